"""Offsets move by compare-and-swap under an epoch, whoever else tries at the same time."""

import threading

import pytest
from sqlalchemy import MetaData

from tests.databases import OpenDatabase
from tierflow_shared.bus.port import Assignment, TopicPartition
from tierflow_shared.store.database import Database
from tierflow_shared.store.positions import FencedError, advance, behind, claim, own_positions, read_positions

ZERO, ONE = TopicPartition("t", 0), TopicPartition("t", 1)


def take(database: Database, epoch: int) -> dict[TopicPartition, int]:
    with database.writing() as uow:
        return claim(uow.connection, database.tables, [Assignment(ONE, epoch), Assignment(ZERO, epoch)])


def move(database: Database, start: int, end: int, epoch: int) -> None:
    with database.writing() as uow:
        advance(uow.connection, database.tables, {ZERO: start}, {ZERO: end}, {ZERO: epoch})


def positions(database: Database) -> dict[TopicPartition, int]:
    with database.reading() as connection:
        return read_positions(connection, database.tables)


def test_a_claim_tells_where_to_go_on(open_database: OpenDatabase) -> None:
    database = open_database(MetaData())
    assert take(database, 1) == {ZERO: 0, ONE: 0}
    move(database, 0, 10, 1)
    assert take(database, 2) == {ZERO: 10, ONE: 0}
    with database.reading() as connection:
        assert behind(connection, database.tables, {ZERO: 15, ONE: 2}) == 7
        assert own_positions(connection, database.tables, {ZERO: 2, ONE: 1}) == {ZERO: 10}


def test_an_older_epoch_is_refused(open_database: OpenDatabase) -> None:
    """Neither claims back nor moves."""
    database = open_database(MetaData())
    take(database, 5)
    with pytest.raises(FencedError):
        take(database, 4)
    with pytest.raises(FencedError):
        move(database, 0, 10, 4)
    assert positions(database) == {ZERO: 0, ONE: 0}


def test_an_offset_that_moved_is_refused(open_database: OpenDatabase) -> None:
    """A repeated commit moves nothing."""
    database = open_database(MetaData())
    take(database, 1)
    move(database, 0, 10, 1)
    with pytest.raises(FencedError):
        move(database, 0, 10, 1)
    assert positions(database)[ZERO] == 10


def test_of_those_who_move_at_once_one_does(open_database: OpenDatabase) -> None:
    """Six threads of two processes hold the same batch; its effect counts once."""
    databases = [open_database(MetaData()), open_database(MetaData())]
    take(databases[0], 1)
    barrier, moved, fenced = threading.Barrier(6), [], []

    def run(database: Database) -> None:
        barrier.wait(10)
        try:
            move(database, 0, 10, 1)
            moved.append(1)
        except FencedError:
            fenced.append(1)

    threads = [threading.Thread(target=run, args=(databases[n % 2],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(moved), len(fenced)) == (1, 5)
