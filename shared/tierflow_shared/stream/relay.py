"""The outbox relay: what a transaction said reaches the bus, in order, at least once."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog

from tierflow_shared import crash_points
from tierflow_shared.bus.port import BusUnavailableError, Message, Producer
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE, driver_words
from tierflow_shared.store.outbox import OutboxEntry, read_entries, read_messages, remove_entries

if TYPE_CHECKING:
    from tierflow_shared.tracing.spans import Tracing

_log = structlog.get_logger("tierflow.relay")
_GATHER_S: Final = 0.005  # what other transactions leave in this time travels in the same publication
_REMOVE_AFTER_S: Final = 0.05  # rows the bus has are deleted when nothing else is to be done for so long …
_REMOVE_AT: Final = 200  # … or when there are so many
_RETRY_LIMIT_S: Final = 2.0
_OTHERS_AFTER_MS: Final = 5_000  # rows that other processes left are theirs for so long


class OutboxRelay:
    """Publishes the outbox of one database: at once after a commit, and by a sweep what was left behind.

    What this process committed is published from memory; its rows are deleted later, many at once. A crash in between
    publishes again; the ids are the same, so readers drop the second one.
    """

    def __init__(
        self,
        database: Database,
        producer: Producer,
        *,
        batch_size: int,
        sweep_interval_s: float,
        retry_delay_s: float = 0.2,
        metrics: ServiceMetrics | None = None,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._tracing = tracing
        self._database, self._producer, self._retry_delay_s = database, producer, retry_delay_s
        self._metrics = metrics or ServiceMetrics(database.service)
        self._batch_size, self._sweep_interval_s = batch_size, sweep_interval_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._published: list[int] = []
        self._left_behind = True
        self._unswept = 0

    @property
    def depth(self) -> int:
        """How many messages wait for the bus."""
        return self._database.outbox.waiting + self._unswept

    def start(self) -> "asyncio.Task[None]":
        """Returns the task that publishes; it ends by `close`, or by an error nobody foresaw."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not self._wake.is_set() and not loop.is_closed():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.outbox.on_ready(wake)
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name=f"relay-{self._database.service}")
        return self._task

    def is_live(self) -> bool:
        """False when it was started and has ended by itself."""
        return self._task is None or not self._task.done()

    async def _run(self) -> None:
        idle_s, delay_s = 0.0, self._retry_delay_s
        while True:
            idle_s = 0.0 if await self._woken() else idle_s + self._patience_s
            try:
                if self._published and idle_s:
                    await self.remove_published()
                elif idle_s >= self._sweep_interval_s:
                    idle_s = 0.0
                    await self._sweep(not_after_ms=self._database.now_ms() - _OTHERS_AFTER_MS)
                await self.publish_all()
            except (BusUnavailableError, *UNAVAILABLE) as error:
                self._metrics.add("tierflow_outbox_retries_total")
                service, cause = self._database.service, driver_words(error)
                _log.warning("outbox waits for a dependency", service=service, depth=self.depth, error=cause)
                self._metrics.set("tierflow_outbox_depth", value=self.depth)
                await asyncio.sleep(delay_s)  # or every commit of an outage would try again, and say so
                delay_s = min(2 * delay_s, _RETRY_LIMIT_S)
                self._wake.set()
            else:
                delay_s = self._retry_delay_s
                self._metrics.set("tierflow_outbox_depth", value=self.depth)

    @property
    def _patience_s(self) -> float:
        return _REMOVE_AFTER_S if self._published else self._sweep_interval_s

    async def _woken(self) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._wake.wait()
            await asyncio.sleep(_GATHER_S)
        except TimeoutError:
            return False
        finally:
            self._wake.clear()
        return True

    async def publish_all(self) -> None:
        """Publishes everything that is committed, the oldest first.

        Raises:
            BusUnavailableError: what the bus did not take is kept.
        """
        if self._database.outbox.take_uncertain():
            self._left_behind = True
        if self._left_behind:
            await self._sweep()
            self._left_behind = False
        while entries := self._database.outbox.head(self._batch_size):
            await self._publish(entries)
            if len(self._published) >= _REMOVE_AT:
                await self.remove_published()

    async def _sweep(self, not_after_ms: int | None = None) -> None:
        """Publishes from the table: what an earlier process, another one, or a doubtful commit left."""
        known, after = set(self._published), -1
        while entries := await asyncio.to_thread(self._read, after, not_after_ms):
            after = entries[-1].seq
            left = [entry for entry in entries if entry.seq not in known]
            self._unswept = sum(entry.count for entry in left)
            if left:
                await self._publish(left)
            self._unswept = 0

    def _read(self, after: int, not_after_ms: int | None) -> list[OutboxEntry]:
        with self._database.reading() as connection:
            return read_entries(connection, self._database.tables, after=after, not_after_ms=not_after_ms)

    async def _publish(self, entries: Sequence[OutboxEntry]) -> None:
        messages: list[Message] = []
        for entry in entries:
            messages += entry.messages if entry.messages is not None else await self._fetched(entry)
        if messages:
            crash_points.reached("before-relay")
            await self._send(messages)
            crash_points.reached("in-relay")
            self._metrics.add("tierflow_outbox_published_total", amount=len(messages))
        seqs = [entry.seq for entry in entries]
        self._database.outbox.done(seqs)
        self._published += seqs

    async def _send(self, messages: Sequence[Message]) -> None:
        if self._tracing is None:
            await self._producer.publish(messages)
            return
        spans, done = self._tracing.publication(messages), False
        try:
            await self._producer.publish(messages)
            done = True
        finally:
            spans.end(done=done)

    async def _fetched(self, entry: OutboxEntry) -> Sequence[Message]:
        def read() -> Sequence[Message]:
            with self._database.reading() as connection:
                return read_messages(connection, self._database.tables, entry.seq)

        return await asyncio.to_thread(read)

    async def remove_published(self) -> None:
        seqs, self._published = self._published, []
        try:
            await asyncio.to_thread(self._remove, seqs)
        except BaseException:
            self._published = seqs + self._published
            raise

    def _remove(self, seqs: Sequence[int]) -> None:
        with self._database.writing() as uow:
            remove_entries(uow.connection, self._database.tables, seqs)

    async def close(self, timeout_s: float) -> None:
        """Publishes what is there and stops, within the limit."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        try:
            async with asyncio.timeout(timeout_s):
                await self.publish_all()
                await self.remove_published()
        except (TimeoutError, BusUnavailableError, *UNAVAILABLE) as error:
            _log.warning("outbox kept for the next start", service=self._database.service, error=repr(error))
