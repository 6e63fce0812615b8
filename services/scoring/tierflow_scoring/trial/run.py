"""Reads the bank's events into the trial's database, with a consumer group of its own."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tierflow_scoring.adapters.policy_files import load_policy_set, with_version
from tierflow_scoring.app import MIGRATIONS, SERVICE, create_handler, open_database
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.settings import ScoringSettings
from tierflow_scoring.trial import book
from tierflow_scoring.trial.book import TrialError
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus, TopicPartition
from tierflow_shared.clock import Clock
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.ids import new_id
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.stream.processor import StreamProcessor, StreamSettings

_LOOK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Start:
    """From where a first run reads: an offset by partition, else a time, else the oldest message kept."""

    since: datetime | None = None
    offsets: Mapping[int, int] = field(default_factory=dict)


def policies_of(policy: str, base: str, currency: str) -> PolicySet:
    """A set by its name or folder; or, for a file, the set `base` with that version.

    Raises:
        PolicyError: it is missing or breaks a rule.
    """
    if Path(policy).is_file():
        return with_version(load_policy_set(base, currency), Path(policy), currency)
    return load_policy_set(policy, currency)


def database_url(settings: ScoringSettings, name: str) -> str:
    """Where a trial is kept: a file beside the live ones, or a PostgreSQL database of its own.

    Raises:
        TrialError: the setting names one database, which is the live one's.
    """
    if settings.database_url is None:
        return f"sqlite:///{settings.data_dir / 'trials' / name}.db"
    if "{service}" not in settings.database_url:
        raise TrialError("name the trial's own database by --database-url")
    return settings.database_url_for(f"scoring-trial-{name}")


class Trial:
    """One trial: opened, run to the end of the log as often as wanted, closed. Restartable at any point."""

    def __init__(
        self, settings: ScoringSettings, policies: PolicySet, name: str, *, clock: Clock, url: str | None = None
    ) -> None:
        self.settings, self.policies, self.name = settings, policies, name
        self.database = open_database(settings, clock, url=url or database_url(settings, name), silent=True)
        self.group = f"scoring-trial-{name}"
        self._clock = clock
        self._bus: Bus | None = None
        self._task: asyncio.Task[None] | None = None
        self._processor: StreamProcessor | None = None

    @property
    def bus(self) -> Bus:
        assert self._bus is not None, "open it first"
        return self._bus

    async def __aenter__(self) -> Self:
        self._bus = open_bus(self.settings, self._clock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        limit_s = self.settings.shutdown_timeout_s
        if self._task is not None and self._processor is not None:
            self._processor.stop()
            _, late = await asyncio.wait([self._task], timeout=limit_s)
            if late:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.bus.close(limit_s)
        self.database.close()

    async def start(self, start: Start) -> None:
        """Begins to read, or goes on where the last run ended.

        Raises:
            TrialError: see `book.prepare`.
            BusUnavailableError: the log cannot be read.
        """
        await asyncio.to_thread(book.prepare, self.database, MIGRATIONS, self.name, self.policies)
        starts = {
            TopicPartition(BANK_EVENTS, partition): await self._start_of(partition, start)
            for partition in range(await self.bus.partitions(BANK_EVENTS))
        }
        await asyncio.to_thread(book.begin_at, self.database, starts)
        settings, metrics = self.settings, ServiceMetrics(SERVICE)
        self._processor = StreamProcessor(
            self.bus,
            self.database,
            create_handler(settings, self.policies, metrics),
            group=self.group,
            member=new_id("member"),
            topics=[BANK_EVENTS],
            settings=StreamSettings(
                max_records=settings.poll_max_records,
                transaction_s=settings.transaction_s,
                poll_timeout_s=settings.poll_timeout_s,
                close_timeout_s=settings.shutdown_timeout_s,
            ),
            metrics=metrics,
        )
        self._task = asyncio.create_task(self._processor.run(), name=self.group)

    async def _start_of(self, partition: int, start: Start) -> int:
        here = TopicPartition(BANK_EVENTS, partition)
        earliest = await self.bus.earliest(here)
        if partition in start.offsets:
            return max(earliest, start.offsets[partition])
        if start.since is None:
            return earliest
        return max(earliest, await self.bus.offset_for_time(here, int(start.since.timestamp() * 1000)))

    async def ends(self) -> dict[TopicPartition, int]:
        """Where the log ends now."""
        partitions = range(await self.bus.partitions(BANK_EVENTS))
        places = [TopicPartition(BANK_EVENTS, partition) for partition in partitions]
        return {here: await self.bus.high_watermark(here) for here in places}

    async def read_to(self, ends: Mapping[TopicPartition, int], progress: Callable[[int, int], None]) -> None:
        """Returns when all of it is in the database; tells how many messages were read, and of how many.

        Raises:
            Exception: whatever ended the consumer loop.
        """
        total = sum(ends.values())
        while True:
            at = await asyncio.to_thread(book.positions, self.database)
            left = sum(max(0, end - at.get(here, 0)) for here, end in ends.items())
            progress(total - left, total)
            if left == 0 and not await asyncio.to_thread(book.is_closing, self.database):
                return
            assert self._task is not None, "start it first"
            done, _ = await asyncio.wait([self._task], timeout=_LOOK_EVERY_S)
            if done:
                self._task.result()
                raise TrialError("the trial ended before the end of the log")
