"""The outbox relay: what a transaction said reaches the bus, in order, at least once."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import Row, delete, select

from tierflow_shared.bus.port import BusUnavailableError, Message, Producer
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE, driver_words

_log = structlog.get_logger("tierflow.relay")
_DELETED_AT_ONCE = 5_000
_GATHER_S = 0.005  # what other transactions leave in this time travels in the same publication
_decode_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


class OutboxRelay:
    """Publishes the outbox of one database: at once after a commit, and by a sweep for what was left behind.

    A crash between publishing and deleting publishes again; the ids are the same, so readers drop the second one.
    """

    def __init__(
        self,
        database: Database,
        producer: Producer,
        *,
        batch_size: int,
        sweep_interval_s: float,
        metrics: ServiceMetrics | None = None,
    ) -> None:
        self._database, self._producer = database, producer
        self._metrics = metrics or ServiceMetrics(database.service)
        self._batch_size, self._sweep_interval_s = batch_size, sweep_interval_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.depth = 0

    def start(self) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.on_outgoing(wake)
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name=f"relay-{self._database.service}")

    async def _run(self) -> None:
        while True:
            await self._wait_for_work()
            try:
                while await self.publish_once():
                    pass
            except BusUnavailableError as error:
                await self._wait_for_bus(error)
            except UNAVAILABLE as error:
                self._wait_for_database(error)

    async def _wait_for_bus(self, error: BusUnavailableError) -> None:
        self._metrics.add("tierflow_outbox_retries_total")
        try:
            self.depth = await asyncio.to_thread(self._database.outbox_depth)
        except UNAVAILABLE as down:
            self._wait_for_database(down)
            return
        self._metrics.set("tierflow_outbox_depth", value=self.depth)
        _log.warning("outbox waits for the bus", service=self._database.service, depth=self.depth, error=str(error))

    def _wait_for_database(self, error: Exception) -> None:
        self._metrics.add("tierflow_outbox_retries_total")
        _log.warning("outbox waits for its database", service=self._database.service, error=driver_words(error))

    async def _wait_for_work(self) -> None:
        try:
            async with asyncio.timeout(self._sweep_interval_s):
                await self._wake.wait()
            await asyncio.sleep(_GATHER_S)
        except TimeoutError:
            pass
        self._wake.clear()

    async def publish_once(self) -> bool:
        """Publishes one batch of the outbox. True if there may be more.

        Raises:
            BusUnavailableError: nothing was removed from the outbox.
        """
        rows = await asyncio.to_thread(self._next_rows)
        if rows:
            await self._producer.publish([_message(row) for row in rows])
            await asyncio.to_thread(self._remove, [row.seq for row in rows])
            self._metrics.add("tierflow_outbox_published_total", amount=len(rows))
        self.depth = 0 if len(rows) < self._batch_size else await asyncio.to_thread(self._database.outbox_depth)
        self._metrics.set("tierflow_outbox_depth", value=self.depth)
        return self.depth > 0

    def _next_rows(self) -> Sequence[Row[tuple[int, str, str, int | None, bytes, bytes]]]:
        outbox = self._database.tables.outbox
        with self._database.reading() as connection:
            return connection.execute(select(outbox).order_by(outbox.c.seq).limit(self._batch_size)).all()

    def _remove(self, sequence_numbers: Sequence[int]) -> None:
        outbox = self._database.tables.outbox
        with self._database.writing() as uow:
            # one by one: in PostgreSQL a smaller number may have been committed since these were read
            for start in range(0, len(sequence_numbers), _DELETED_AT_ONCE):
                some = sequence_numbers[start : start + _DELETED_AT_ONCE]
                uow.connection.execute(delete(outbox).where(outbox.c.seq.in_(some)))

    async def close(self, timeout_s: float) -> None:
        """Publishes what is there and stops, within the limit."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        try:
            async with asyncio.timeout(timeout_s):
                while await self.publish_once():
                    pass
        except (TimeoutError, BusUnavailableError, *UNAVAILABLE) as error:
            _log.warning("outbox kept for the next start", service=self._database.service, error=repr(error))


def _message(row: Row[tuple[int, str, str, int | None, bytes, bytes]]) -> Message:
    return Message(row.topic, row.key, row.value, _decode_headers(row.headers), row.partition)
