"""Many writers at once on PostgreSQL: nothing is lost between reading and writing."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, delete, select
from sqlalchemy.exc import IntegrityError

from tests.integration.suitability import facts
from tests.property.suitability.service import NOW, Service, record, service
from tierflow_shared.bus.port import Message, Position
from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE, DatabaseLimits
from tierflow_shared.store.outbox import write_entries
from tierflow_shared.store.tables import SharedTables
from tierflow_shared.stream.relay import OutboxRelay
from tierflow_stack.postgres import Server, database
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.ports import Needed

ROUNDS = 10


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """An empty database on the run's server."""
    with database(postgres) as made:
        yield made


def two_services(stack: ExitStack, folder: Path, url: str) -> list[Service]:
    """Two processes' views of one suitability database."""
    return [stack.enter_context(service(folder, url)) for _ in range(2)]


def sell(running: Service, name: str) -> None:
    """Ten polls with an order each, under a customer and product of their own."""
    for n in range(ROUNDS):
        order = facts.sale_event(f"{name}-{n}", NOW + timedelta(hours=n), product_id="p-card", customer_id=name)
        running.consume([record(n, *order)])


def test_the_audit_log_is_one_chain_whoever_writes(tmp_path: Path, url: str) -> None:
    """Two processes append at once, from the very first entry on; the chain holds and nothing is missing."""
    errors: list[Exception] = []
    with ExitStack() as stack:
        services = two_services(stack, tmp_path, url)

        def run(running: Service, name: str) -> None:
            try:
                sell(running, name)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(one, f"c-{n}")) for n, one in enumerate(services)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []
        report = services[0].queries.verify_audit()
        assert (report.intact, report.entries) == (True, 2 * ROUNDS)


def test_control_without_the_lock_two_writers_meet(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the same end of the chain; the second one's entry is refused instead of forking the chain."""
    with ExitStack() as stack:
        first, second = two_services(stack, tmp_path, url)
        sell(first, "c-0")
        for one in (first, second):
            marks = one.tables.mark.c
            object.__setattr__(one.opener.statements, "marks", select(marks.name, marks.value))
        entry = AuditEntry("sale-withdrawn", NOW, "anna", "s-1")
        with second.database.writing() as late:
            desk = second.opener.open(late, Needed())
            first.step(Needed(), lambda other: other.record(entry))
            desk.record(entry)
            with pytest.raises(IntegrityError):
                desk.flush()
            late.connection.rollback()


class LateProducer:
    """While it publishes, a transaction that had begun earlier commits its message with a smaller number."""

    def __init__(self, commit: threading.Event, committed: threading.Thread) -> None:
        self._commit, self._committed = commit, committed
        self.keys: list[str] = []

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        self.keys += [message.key for message in messages]
        self._commit.set()
        self._committed.join(30)
        return []

    async def close(self, timeout_s: float) -> None:
        """Holds nothing."""


async def publish_beside_a_late_commit(url: str, metadata: MetaData) -> tuple[list[str], int, list[str]]:
    """Keys published while another process had not committed a smaller number; what is left; keys after a restart."""
    written, commit = threading.Event(), threading.Event()

    def say(one: Database, key: str, until: threading.Event | None) -> None:
        with one.writing() as uow:
            write_entries(uow.connection, one.tables, [Message("t", key, b"{}", ())], 0)
            written.set()
            if until is not None:
                until.wait(30)

    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(closing(Database(url, metadata, service="toy", clock=SystemClock()))) for _ in range(2)
        )
        late = threading.Thread(target=say, args=(theirs, "late", commit))
        late.start()
        written.wait(30)
        say(ours, "early", None)
        producer = LateProducer(commit, late)
        await publish(ours, producer)
        first, left = list(producer.keys), ours.outbox_depth()
        await publish(ours, producer)
        return first, left, producer.keys


async def publish(one: Database, producer: LateProducer) -> None:
    """What a process does when it starts: publishes what is there and removes it."""
    relay = OutboxRelay(one, producer, batch_size=100, sweep_interval_s=1)
    await relay.publish_all()
    await relay.remove_published()


@pytest.fixture
def metadata(url: str) -> MetaData:
    """The shared tables, made."""
    metadata = MetaData()
    with closing(Database(url, metadata, service="toy", clock=SystemClock())) as one:
        metadata.create_all(one.engine)
    return metadata


@pytest.mark.anyio
async def test_a_message_that_commits_late_is_published(url: str, metadata: MetaData) -> None:
    """Numbers are given before commits, so a smaller one may appear behind the relay's back."""
    assert await publish_beside_a_late_commit(url, metadata) == (["early"], 1, ["early", "late"])


@pytest.mark.anyio
async def test_control_removing_by_range_loses_it(
    url: str, metadata: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way that is right where there is one writer."""

    def by_range(connection: Connection, tables: SharedTables, seqs: Sequence[int]) -> None:
        if seqs:
            connection.execute(delete(tables.outbox).where(tables.outbox.c.seq <= max(seqs)))

    monkeypatch.setattr("tierflow_shared.stream.relay.remove_entries", by_range)
    assert await publish_beside_a_late_commit(url, metadata) == (["early"], 0, ["early"])


def test_a_pool_that_is_empty_says_so_in_time(url: str) -> None:
    """Rather than wait for ever: an error that means "try again"."""
    limits = DatabaseLimits(pool_size=1, pool_timeout_s=0.05)
    one = Database(url, MetaData(), service="toy", clock=SystemClock(), limits=limits)
    with closing(one), one.reading(), pytest.raises(UNAVAILABLE):
        one.ping()


def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    """And the connection goes on."""
    limits = DatabaseLimits(statement_timeout_s=0.05)
    one = Database(url, MetaData(), service="toy", clock=SystemClock(), limits=limits)
    with closing(one):
        with pytest.raises(UNAVAILABLE, match="statement timeout"), one.reading() as connection:
            connection.exec_driver_sql("SELECT pg_sleep(30)")
        one.ping()
