"""What every service runs beside its HTTP routes: its schema, its relay, its consumer loops."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from tierflow_shared.bus.port import Bus, BusUnavailableError, Producer
from tierflow_shared.contracts.registry import TOPICS
from tierflow_shared.ids import new_id
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import Migrations, prepare_schema
from tierflow_shared.stream.handlers import BatchHandler
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings
from tierflow_shared.stream.relay import OutboxRelay

if TYPE_CHECKING:
    from tierflow_shared.tracing.spans import Tracing

_log = structlog.get_logger("tierflow.runtime")
_LAG_INTERVAL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler and the topics it reads, under the service's own consumer group."""

    handler: BatchHandler
    topics: Sequence[str]
    group: str


class ServiceRuntime:
    """Starts and stops the parts of a service in the right order.

    `owns_bus` says whether the bus was opened for this service alone (then it is closed with it) or is the host's.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        bus: Bus,
        subscriptions: Sequence[Subscription],
        *,
        owns_bus: bool,
        metrics: ServiceMetrics,
        migrations: Migrations,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._tracing = tracing
        self._settings, self._database, self._bus, self._owns_bus = settings, database, bus, owns_bus
        self._subscriptions = subscriptions
        self._metrics, self._migrations = metrics, migrations
        self._processors: list[StreamProcessor] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.producer: Producer = bus.producer()
        self.relay = OutboxRelay(
            database,
            self.producer,
            batch_size=settings.outbox_batch,
            sweep_interval_s=settings.outbox_sweep_s,
            metrics=metrics,
            tracing=tracing,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything runs inside the block; leaving it drains within the shutdown limit."""
        migrate = self._settings.migrate_at_start
        await asyncio.to_thread(prepare_schema, self._database, self._migrations, migrate=migrate)
        await self._bus.ensure_topics(dict.fromkeys(TOPICS, self._settings.partitions))
        self.relay.start().add_done_callback(self._ended)
        member = new_id("member")
        for subscription in self._subscriptions:
            processor = self._processor(subscription, member)
            self._processors.append(processor)
            task = asyncio.create_task(processor.run(), name=f"stream-{subscription.group}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        watcher = asyncio.create_task(self._watch_lag(), name="lag")
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await self._stop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop that fails is said at once, not when somebody stops the service."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            service, loop = self._database.service, task.get_name()
            _log.error("a loop ended by an error; /livez fails from now on", service=service, loop=loop, exc_info=error)

    async def _watch_lag(self) -> None:
        while True:
            await asyncio.sleep(_LAG_INTERVAL_S)
            for processor in self._processors:
                try:
                    await processor.measure_lag()
                except BusUnavailableError:
                    continue

    def _processor(self, subscription: Subscription, member: str) -> StreamProcessor:
        settings = self._settings
        return StreamProcessor(
            self._bus,
            self._database,
            subscription.handler,
            group=subscription.group,
            member=member,
            topics=subscription.topics,
            settings=StreamSettings(
                max_records=settings.poll_max_records,
                transaction_s=settings.transaction_s,
                poll_timeout_s=settings.poll_timeout_s,
                close_timeout_s=settings.shutdown_timeout_s,
                stalled_after_s=settings.stalled_after_s,
                outbox_limit=settings.outbox_limit,
            ),
            outbox_depth=lambda: self.relay.depth,
            metrics=self._metrics,
            tracing=self._tracing,
        )

    async def _stop(self) -> None:
        for processor in self._processors:
            processor.stop()
        _, late = (
            await asyncio.wait(self._tasks, timeout=self._settings.shutdown_timeout_s) if self._tasks else ((), ())
        )
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.relay.close(self._settings.shutdown_timeout_s)
        await self.producer.close(self._settings.shutdown_timeout_s)
        if self._owns_bus:
            await self._bus.close(self._settings.shutdown_timeout_s)
        self._database.close()
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)

    def is_live(self) -> bool:
        """False when the relay or a consumer loop ended by an error, or has stood still for too long."""
        crashed = any(task.done() for task in self._tasks)
        return not crashed and self.relay.is_live() and all(processor.is_live() for processor in self._processors)

    def overloaded(self) -> bool:
        """True when the outbox is deeper than its limit: new work must wait (429)."""
        return self.relay.depth >= self._settings.outbox_limit
