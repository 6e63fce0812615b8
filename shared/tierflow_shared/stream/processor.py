"""The consumer loop: one poll is one database transaction with state, outbox, dead letters and offsets."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from tierflow_shared import crash_points
from tierflow_shared.bus.port import (
    Assignment,
    Batch,
    Bus,
    BusUnavailableError,
    Record,
    RetentionGapError,
    TopicPartition,
)
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE, driver_words
from tierflow_shared.store.positions import FencedError, advance, claim, own_positions, renew
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.batch_size import AdaptiveBatchSize
from tierflow_shared.stream.handlers import BatchHandler, ReadsAhead
from tierflow_shared.stream.progress import Progress, joined, single_steps

_log = structlog.get_logger("tierflow.stream")
_AHEAD_WAIT_S: Final = 0.02
_AT_ONCE_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Limits of one consumer loop."""

    max_records: int = 100_000
    transaction_s: float = 1.0  # how much work one transaction may grow to when messages wait
    poll_timeout_s: float = 0.2
    retry_delay_s: float = 0.2
    retry_delay_limit_s: float = 5.0
    close_timeout_s: float = 10.0
    stalled_after_s: float = 30.0
    outbox_limit: int = 100_000
    gather_s: float = 0.01  # after a small batch, so that the next transaction has more to do


class StreamProcessor:
    """Feeds a handler from the bus, effectively once.

    The offset in the database is the truth. It moves by compare-and-swap in the transaction that holds the effects,
    so a crash repeats a batch that left nothing behind, and a member that lost its lease cannot commit.
    """

    def __init__(
        self,
        bus: Bus,
        database: Database,
        handler: BatchHandler,
        *,
        group: str,
        member: str,
        topics: Sequence[str],
        settings: StreamSettings | None = None,
        outbox_depth: Callable[[], int] = lambda: 0,
        metrics: ServiceMetrics | None = None,
    ) -> None:
        self._bus, self._database, self._handler = bus, database, handler
        self._settings = settings or StreamSettings()
        self._consumer = bus.consumer(group, member, topics, handler.types)
        self._group, self._outbox_depth = group, outbox_depth
        self._epochs: dict[TopicPartition, int] = {}
        self._stopping = asyncio.Event()
        self._blocked_since: float | None = None
        self._metrics = metrics or ServiceMetrics(database.service)
        self._progress = Progress()
        self._unsure = False
        self._ahead: Batch | None = None
        self._moved = False
        self._in_flight: asyncio.Task[None] | None = None
        self._batch_size = AdaptiveBatchSize(self._settings.max_records, self._settings.transaction_s)
        self.processed = 0

    async def run(self) -> None:
        """Runs until `stop` is called; outages of bus and database are waited out, never skipped over."""
        await self._consumer.start(self)
        delay_s = self._settings.retry_delay_s
        try:
            while not self._stopping.is_set():
                try:
                    await self.step()
                    delay_s, self._blocked_since = self._settings.retry_delay_s, None
                except (BusUnavailableError, *UNAVAILABLE) as error:
                    self._blocked_since = self._blocked_since or time.monotonic()
                    _log.warning("waiting for a dependency", group=self._group, detail=driver_words(error))
                    await self._pause(delay_s)
                    delay_s = min(delay_s * 2, self._settings.retry_delay_limit_s)
        except RetentionGapError as gap:
            _log.error("messages are gone that were never read; seek on purpose to go on", gap=str(gap))
            raise
        finally:
            await self._consumer.close(self._settings.close_timeout_s)

    async def step(self) -> int:
        """One poll and its transaction. Returns the number of records processed."""
        if self._outbox_depth() >= self._settings.outbox_limit:
            await self._pause(self._settings.retry_delay_s)
            return 0
        if self._unsure:
            self._ahead = None
            await self._resume_from_database()
        batch = await self._next()
        if batch is None:
            return 0
        if batch.records:
            crash_points.reached("after-poll")
        unfinished = self._handler.unfinished()
        if batch.records or unfinished or self._progress.is_due():
            batch = self._progress.standing(self._progress.with_skipped(batch), unfinished)
            if batch.end and not await self._take(batch):
                return 0
        else:
            self._progress.skip(batch)
        await self._mirror(idle=not batch.end)
        if batch.end and self._ahead is None and self._batch_size.is_small(len(batch.records)):
            await self._pause(self._settings.gather_s)
        return len(batch.records)

    async def _take(self, batch: Batch) -> bool:
        """One transaction; False if the partitions belong to somebody else by now.

        While the database works on it the next one is read, unless so little came that nothing waits.
        """
        started = time.perf_counter()
        self._in_flight = in_flight = asyncio.create_task(asyncio.to_thread(self._commit, batch))
        try:
            if not self._batch_size.is_small(len(batch.records)):
                ahead = await self._read_on(Batch((), {}, {}), _AHEAD_WAIT_S, lambda _: in_flight.done())
                self._ahead = ahead if ahead is not None and ahead.end else None
            await asyncio.shield(in_flight)
        except FencedError as error:
            self._metrics.add("tierflow_stream_fenced_total", self._group)
            _log.warning("the offset is not where we left it", group=self._group, detail=str(error))
            self._unsure = True
            return False
        except BaseException:
            self._unsure = True
            raise
        finally:
            await self._landed()
            self._in_flight = None
        self._progress.committed(batch)
        seconds = time.perf_counter() - started
        self._batch_size.committed(len(batch.records), seconds)
        self._measure(batch, seconds)
        return True

    async def _next(self) -> Batch | None:
        """What was read ahead, topped up with what has come since; else what comes now."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            wait_s = 0.0 if self._handler.unfinished() else self._settings.poll_timeout_s
            return await self._consumer.poll(self._batch_size.limit, wait_s)
        return await self._read_on(ahead, _AT_ONCE_S, lambda last: not last.end)

    async def _read_on(self, batch: Batch, wait_s: float, is_over: Callable[[Batch], bool]) -> Batch | None:
        """The batch with what lies behind it, up to the limit, until what came last `is_over`.

        What goes wrong here goes wrong again in its own turn. If partitions come or go meanwhile, nothing of it counts.
        """
        self._moved = False
        try:
            while len(batch.records) < self._batch_size.limit:
                last = await self._consumer.poll(self._batch_size.limit - len(batch.records), wait_s)
                batch = joined(batch, last)
                if is_over(last):
                    break
                if last.records and isinstance(self._handler, ReadsAhead):
                    await asyncio.to_thread(self._handler.read_ahead, last.records)
        except (BusUnavailableError, RetentionGapError, *UNAVAILABLE):
            pass
        except BaseException:
            self._unsure = True
            raise
        if self._moved:
            self._unsure = True
            return None
        return batch

    async def _landed(self) -> None:
        """Waits until no transaction is under way: partitions come and go between transactions only."""
        if self._in_flight is not None:
            await asyncio.wait((self._in_flight,))

    async def _mirror(self, *, idle: bool) -> None:
        offsets = self._progress.to_mirror(at_once=idle)
        if offsets:
            await self._consumer.mirror(offsets)

    def _measure(self, batch: Batch, seconds: float) -> None:
        self.processed += len(batch.records)
        self._metrics.observe("tierflow_stream_batch_seconds", self._group, value=seconds)
        self._metrics.observe("tierflow_stream_batch_records", self._group, value=len(batch.records))

    async def measure_lag(self) -> None:
        """Brings the lag gauges of the owned partitions up to date."""
        self._metrics.set("tierflow_stream_partitions", self._group, value=len(self._epochs))
        unfinished = self._handler.unfinished()
        for topic_partition in list(self._epochs):
            behind = await self._bus.high_watermark(topic_partition) - self._progress.read_to.get(topic_partition, 0)
            labels = (self._group, topic_partition.topic, str(topic_partition.partition))
            self._metrics.set(
                "tierflow_stream_lag_records", *labels, value=max(int(topic_partition in unfinished), behind)
            )

    async def _resume_from_database(self) -> None:
        """After a failed batch: the database may have taken it or not, or be another's by now; it alone knows."""
        offsets = await asyncio.to_thread(self._ask_database)
        lost = [topic_partition for topic_partition in self._epochs if topic_partition not in offsets]
        if lost:
            await self._drop(lost)
        self._progress.forget(offsets)
        self._progress.read_to.update(offsets)
        for topic_partition, offset in offsets.items():
            self._consumer.seek(topic_partition, offset)
        self._unsure = False

    def _ask_database(self) -> Mapping[TopicPartition, int]:
        """Offsets of the partitions that are still ours; what the handler has in memory is brought in step."""
        with self._database.reading() as connection:
            offsets = own_positions(connection, self._database.tables, self._epochs)
            self._handler.rolled_back(connection)
        return offsets

    def _commit(self, batch: Batch) -> None:
        try:
            self._commit_once(batch.records, batch.start, batch.end, self._handler.unfinished())
        except (FencedError, *UNAVAILABLE):
            raise
        except Exception as error:
            if not batch.records or (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
            self._forget()
            _log.exception("batch failed, trying record by record", group=self._group)
            self._commit_one_by_one(batch)

    def _commit_once(
        self,
        records: Sequence[Record],
        start: Mapping[TopicPartition, int],
        end: Mapping[TopicPartition, int],
        unfinished: Sequence[TopicPartition] = (),
    ) -> None:
        with self._database.writing() as uow:
            advance(uow.connection, self._database.tables, start, end, self._epochs)
            self._handler.process(uow, records)
            self._handler.continue_unfinished(uow, [one for one in unfinished if one in end])
            uow.after_commit(lambda: self._count(uow))
            crash_points.reached("before-commit")
        crash_points.reached("after-commit")

    def _commit_one_by_one(self, batch: Batch) -> None:
        for records, start, end in single_steps(batch):
            try:
                self._commit_once(records, start, end)
            except (FencedError, *UNAVAILABLE):
                raise
            except Exception as error:
                self._forget()
                if not records:
                    raise
                _log.exception("record refused", group=self._group, offset=records[0].offset)
                with self._database.writing() as uow:
                    advance(uow.connection, self._database.tables, start, end, self._epochs)
                    uow.dead_letter(records[0], "unexpected-error", type(error).__name__)
                    uow.after_commit(lambda: self._count(uow))

    def _count(self, uow: UnitOfWork) -> None:
        for outcome, count in uow.outcomes().items():
            self._metrics.add("tierflow_stream_records_total", self._group, outcome, amount=count)
        for reason, count in uow.refusals().items():
            self._metrics.add("tierflow_dead_letters_total", reason, amount=count)

    def _forget(self) -> None:
        with self._database.reading() as connection:
            self._handler.rolled_back(connection)

    async def assigned(self, assignments: Sequence[Assignment]) -> Mapping[TopicPartition, int]:
        """Claims the partitions in the database and lets the handler load them."""
        await self._landed()
        self._moved = True
        return await asyncio.to_thread(self._claim, assignments)

    def _claim(self, assignments: Sequence[Assignment]) -> Mapping[TopicPartition, int]:
        with self._database.writing() as uow:
            kept = renew(uow.connection, self._database.tables, self._epochs, assignments)
            new = [assignment for assignment in assignments if assignment.topic_partition not in kept]
            offsets = claim(uow.connection, self._database.tables, new)
        stale = [topic_partition for topic_partition in offsets if topic_partition in self._epochs]
        if stale:
            self._forget_partitions(stale)
        self._epochs.update(
            {topic_partition: epoch for topic_partition, epoch in assignments if topic_partition in kept}
        )
        self._progress.forget(kept)
        self._progress.read_to.update({**kept, **offsets})
        if offsets:
            with self._database.reading() as connection:
                self._handler.assigned(connection, list(offsets))
        self._epochs.update(new)
        _log.info("partitions assigned", group=self._group, partitions=len(offsets), kept=len(kept))
        return {**kept, **offsets}

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets partitions that now belong to others."""
        await self._landed()
        self._moved = True
        await asyncio.to_thread(self._forget_partitions, partitions)

    def _forget_partitions(self, partitions: Sequence[TopicPartition]) -> None:
        self._progress.forget(partitions)
        for topic_partition in partitions:
            self._epochs.pop(topic_partition, None)
        self._handler.revoked(partitions)

    async def _drop(self, partitions: Sequence[TopicPartition]) -> None:
        await self.revoked(partitions)
        self._consumer.give_up(partitions)

    async def _pause(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(delay_s):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def stop(self) -> None:
        """Lets `run` end after the batch in hand."""
        self._stopping.set()

    def is_live(self) -> bool:
        """False when nothing has moved for too long although there was work."""
        blocked = self._blocked_since
        return blocked is None or time.monotonic() - blocked < self._settings.stalled_after_s
