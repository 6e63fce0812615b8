"""What a unit of work promises on every database: all of it or nothing, in order, and readers see one moment."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, event, func, insert, select, text
from sqlalchemy.exc import InternalError

from tests.contract.store.items import HEAD, KEEP, add, fail_after, items, numbers, record, row
from tests.databases import OpenDatabase
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.group_commit import GroupCommitter
from tierflow_shared.store.bulk import write_rows
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE, DatabaseLimits
from tierflow_shared.store.outbox import read_entries
from tierflow_shared.store.unit_of_work import UnitOfWork

DAY = date(2026, 3, 2)


def say(uow: UnitOfWork, number: int) -> None:
    uow.emit(BusinessDateAdvanced(business_date=DAY + timedelta(days=number)), event_id=f"e-{number}")


def do_all_and_fail(uow: UnitOfWork, told: list[str]) -> None:
    uow.after_commit(lambda: told.append("committed"))
    say(uow, 1)
    fail_after(write_rows(uow.connection, HEAD, KEEP, [row(f"k{n}") for n in range(50)]))


def counted(database: Database, table: str) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(database.metadata.tables[table])).scalar_one()


def test_everything_is_written_together(open_database: OpenDatabase) -> None:
    """State, messages, dead letters and counters; callbacks and listeners run after it."""
    metadata, _ = items()
    database = open_database(metadata)
    told: list[str] = []
    database.outbox.on_ready(lambda: told.append("outgoing"))
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 1)])
        say(uow, 1)
        uow.dead_letter(record(7), "unreadable", "no")
        uow.count("t", "applied", 3)
        uow.after_commit(lambda: told.append("committed"))
        assert told == []
    assert sorted(told) == ["committed", "outgoing"]
    assert [counted(database, name) for name in ("item", "dead_letter")] == [1, 1]
    assert database.outbox_depth() == database.outbox.waiting == 2
    with database.writing() as uow:
        uow.count("t", "applied", 4)
    with database.reading() as connection:
        consumption = database.tables.consumption
        found = {(r.event_type, r.outcome): r._mapping["count"] for r in connection.execute(select(consumption))}
    assert found == {("t", "applied"): 7, ("bank.kyc.updated.v1", "refused"): 1}


def test_nothing_is_written_when_the_block_raises(open_database: OpenDatabase) -> None:
    metadata, _ = items()
    database = open_database(metadata)
    told: list[str] = []
    with pytest.raises(ZeroDivisionError), database.writing() as uow:
        do_all_and_fail(uow, told)
    assert told == []
    assert [counted(database, name) for name in ("item", "outbox")] == [0, 0]
    assert database.outbox.head(100) == []


def test_a_dead_letter_is_kept_once(open_database: OpenDatabase) -> None:
    """The same record refused again, after a crash before the offset was told: still one letter."""
    metadata, _ = items()
    database = open_database(metadata)
    for _ in range(2):
        with database.writing() as uow:
            uow.dead_letter(record(7), "unreadable", "no")
    assert counted(database, "dead_letter") == 1


def test_a_dead_letter_of_a_record_with_rubbish_can_be_kept(open_database: OpenDatabase) -> None:
    """A key with NUL or of any length would be refused by PostgreSQL; it is cleaned before."""
    metadata, _ = items()
    database = open_database(metadata)
    with database.writing() as uow:
        uow.dead_letter(record(7, key="\x00" * 5 + "x" * 500), "unreadable", "a\x00b" * 300)
    assert counted(database, "dead_letter") == 1


@pytest.mark.parametrize("count", [5, 700])
def test_the_outbox_keeps_the_order(open_database: OpenDatabase, count: int) -> None:
    """Within a transaction and from one to the next."""
    metadata, _ = items()
    database = open_database(metadata)
    for start in (0, count):
        with database.writing() as uow:
            for number in range(start, start + count):
                say(uow, number)
    with database.reading() as connection:
        entries = read_entries(connection, database.tables)
    values = [message.value for entry in entries for message in entry.messages or ()]
    days = [DAY + timedelta(days=number) for number in range(2 * count)]
    assert [bytes(value) for value in values] == [f'{{"business_date":"{day}"}}'.encode() for day in days]
    assert database.outbox_depth() == 2 * count


def test_a_reader_sees_one_moment(open_database: OpenDatabase) -> None:
    """What is committed while it reads stays out of its view."""
    metadata, item = items()
    database = open_database(metadata)
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 1)])
    with database.reading() as connection:
        assert numbers(connection, item) == {"a": 1}
        with database.writing() as uow:
            write_rows(uow.connection, HEAD, KEEP, [row("b", 2)])
        assert numbers(connection, item) == {"a": 1}
    with database.reading() as connection:
        assert numbers(connection, item) == {"a": 1, "b": 2}


def test_a_reader_keeps_nothing(open_database: OpenDatabase) -> None:
    """Written in a read transaction: refused or gone."""
    metadata, item = items()
    database = open_database(metadata)
    is_refused = database.engine.dialect.name == "postgresql"
    with pytest.raises(InternalError) if is_refused else nullcontext(), database.reading() as connection:
        connection.execute(insert(item).values(key="a", number=1, flag=True, raw=b""))
    assert counted(database, "item") == 0


def _add_in_threads(databases: Sequence[Database], item: Table) -> list[Exception]:
    errors: list[Exception] = []

    def run(database: Database) -> None:
        try:
            for _ in range(10):
                with database.writing(alone=True) as uow:
                    add(uow, item, "a", 1)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in databases for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def test_those_who_write_alone_lose_nothing(open_database: OpenDatabase) -> None:
    """Read-then-write from two processes at once: every step counts."""
    metadata, item = items()
    databases = [open_database(metadata), open_database(metadata)]
    with databases[0].writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 0)])
    assert _add_in_threads(databases, item) == []
    with databases[0].reading() as connection:
        assert numbers(connection, item) == {"a": 40}


def test_waiting_for_a_lock_has_a_limit(open_database: OpenDatabase) -> None:
    """Somebody else holds the row: an error that says "try again", not an endless wait."""
    metadata, item = items()
    holder = open_database(metadata)
    waiter = open_database(metadata, limits=DatabaseLimits(lock_timeout_s=0.05))
    with holder.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 0)])
    with holder.writing() as uow:
        add(uow, item, "a", 1)
        with pytest.raises(UNAVAILABLE), waiter.writing() as late:
            add(late, item, "a", 1)
    with waiter.writing() as uow:
        add(uow, item, "a", 1)
    with holder.reading() as connection:
        assert numbers(connection, item) == {"a": 2}


@pytest.mark.anyio
async def test_requests_share_a_commit(open_database: OpenDatabase) -> None:
    """Each of the group's items is answered after all of them are durable."""
    metadata, item = items()
    database = open_database(metadata)

    def commit(group: Sequence[str]) -> list[int]:
        with database.writing() as uow:
            write_rows(uow.connection, HEAD, KEEP, [row(key, len(group)) for key in group])
        return [len(group)] * len(group)

    committer: GroupCommitter[str, int] = GroupCommitter(commit, name="test", max_group=50)
    sizes = await asyncio.gather(*(committer.submit(f"k{n}") for n in range(100)))
    committer.close(5.0)
    assert sum(1 / size for size in sizes) < 100
    with database.reading() as connection:
        assert len(numbers(connection, item)) == 100


def test_control_on_postgresql_writers_that_are_not_alone_lose_updates(open_database: OpenDatabase) -> None:
    """The check of `alone` can fail: two that read before either writes leave one step instead of two.

    SQLite cannot lose it: its second writer does not begin before the first has ended.
    """
    metadata, item = items()
    databases = [open_database(metadata), open_database(metadata)]
    with databases[0].writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 0)])
    both_have_read = threading.Barrier(2)

    def run(database: Database) -> None:
        with database.writing() as uow:
            before = numbers(uow.connection, item)["a"]
            if not database.is_sqlite:
                both_have_read.wait(10)
            uow.connection.execute(item.update().values(number=before + 1))

    threads = [threading.Thread(target=run, args=(one,)) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with databases[0].reading() as connection:
        assert numbers(connection, item) == {"a": 2 if databases[0].is_sqlite else 1}


def test_a_thread_that_outlives_the_service_leaves_no_connection_open(open_database: OpenDatabase) -> None:
    """Its connection is closed when it comes back, for the pool it came from is gone."""
    database = open_database(MetaData())
    opened: list[Any] = []
    event.listen(database.engine, "checkout", lambda driver, *_: opened.append(driver))
    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
        database.close()
    with pytest.raises(Exception, match="closed"):
        opened[-1].execute("SELECT 1")
