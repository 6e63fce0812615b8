"""Connections that are kept for single statements: one that died meanwhile is replaced, and none is hoarded."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError

from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits
from tierflow_stack.postgres import Cluster, database


@pytest.fixture
def kept(own_cluster: Cluster) -> Iterator[Database]:
    with database(own_cluster) as url:
        one = Database(url, MetaData(), service="kept", clock=SystemClock(), limits=DatabaseLimits(pool_size=4))
        yield one
        one.close()


def process_id(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def terminate(of: Database, pid: int) -> None:
    with of.writing() as uow:
        uow.connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_that_died_is_replaced_and_the_statement_is_run_again(kept: Database) -> None:
    first = kept.autocommit(process_id)
    assert kept.autocommit(process_id) == first
    terminate(kept, first)
    assert kept.autocommit(process_id) != first


def test_without_the_second_attempt_the_caller_would_hear_of_it(kept: Database) -> None:
    """The control."""
    terminate(kept, kept.autocommit(process_id))
    with pytest.raises(DBAPIError) as raised:
        kept._on(kept._kept.pop(), process_id)
    assert raised.value.connection_invalidated


def test_an_error_of_the_statement_itself_is_not_tried_again(kept: Database) -> None:
    calls = []

    def divide(connection: Connection) -> None:
        calls.append(process_id(connection))
        connection.execute(text("SELECT 1 / 0"))

    kept.autocommit(process_id)
    with pytest.raises(DBAPIError):
        kept.autocommit(divide)
    assert len(calls) == 1


def test_each_statement_is_durable_at_once_and_a_quarter_of_the_pool_is_kept(kept: Database) -> None:
    kept.autocommit(lambda connection: connection.execute(text("CREATE TABLE seen (n integer)")))

    def nested(connection: Connection) -> int:
        connection.execute(text("INSERT INTO seen VALUES (1)"))
        return kept.autocommit(lambda other: int(other.execute(text("SELECT count(*) FROM seen")).scalar_one()))

    assert kept.autocommit(nested) == 1
    assert len(kept._kept) == 1
