"""`SqliteBus`: topics, producers and consumers over one log file."""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tierflow_shared.bus.port import (
    BusUnavailableError,
    Message,
    Position,
    Record,
    RetentionGapError,
    TopicPartition,
)
from tierflow_shared.bus.sqlite.consumer import SqliteConsumer
from tierflow_shared.bus.sqlite.storage import LogFile, append, bounds, create_topics, first_at, read, remove_before
from tierflow_shared.clock import Clock
from tierflow_shared.group_commit import ClosedError, GroupCommitter

Answer = TypeVar("Answer")
_THREADS = 12
_MAX_GROUP = 64


class SqliteBus:
    """The bus of one machine. Several processes may open the same file."""

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Clock,
        lease_s: float = 10.0,
        heartbeat_s: float = 2.0,
        idle_poll_s: float = 0.02,
        busy_timeout_s: float = 10.0,
        background_heartbeat: bool = True,
    ) -> None:
        assert heartbeat_s < lease_s
        self._path, self._clock = Path(path), clock
        self._lease_s, self._heartbeat_s, self._idle_poll_s = lease_s, heartbeat_s, idle_poll_s
        self._busy_timeout_s, self._background_heartbeat = busy_timeout_s, background_heartbeat
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="log")
        self._log = self._open()
        self._log.create()
        self._writer_log = self._open()
        self._writer = GroupCommitter(self._append, name="log-writer", max_group=_MAX_GROUP)
        self._appended = asyncio.Event()
        self._closed = False

    def _open(self) -> LogFile:
        return LogFile(self._path, busy_timeout_s=self._busy_timeout_s)

    def _append(self, calls: Sequence[Sequence[Message]]) -> list[list[Position]]:
        messages = [message for call in calls for message in call]
        positions = append(self._writer_log, messages, int(self._clock.now().timestamp() * 1000))
        answers: list[list[Position]] = []
        taken = 0
        for call in calls:
            answers.append(positions[taken : taken + len(call)])
            taken += len(call)
        return answers

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _announce(self) -> None:
        woken, self._appended = self._appended, asyncio.Event()
        woken.set()

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        if not messages:
            return []
        try:
            positions = await self._writer.submit(messages)
        except ClosedError as error:
            raise BusUnavailableError("the bus is closed") from error
        self._announce()
        return positions

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        await self._run(functools.partial(create_topics, self._log, topics))

    async def partitions(self, topic: str) -> int:
        def look() -> int:
            with self._log.snapshot() as connection:
                return self._log.topic(connection, topic)[1]

        return await self._run(look)

    async def _bounds(self, topic_partition: TopicPartition) -> tuple[int, int]:
        def look() -> tuple[int, int]:
            with self._log.snapshot() as connection:
                return bounds(self._log, connection, topic_partition)

        return await self._run(look)

    async def earliest(self, topic_partition: TopicPartition) -> int:
        return (await self._bounds(topic_partition))[0]

    async def high_watermark(self, topic_partition: TopicPartition) -> int:
        return (await self._bounds(topic_partition))[1]

    async def offset_for_time(self, topic_partition: TopicPartition, timestamp_ms: int) -> int:
        def look() -> int:
            with self._log.snapshot() as connection:
                offset = first_at(self._log, connection, topic_partition, timestamp_ms)
                return bounds(self._log, connection, topic_partition)[1] if offset is None else offset

        return await self._run(look)

    async def mirrored(self, group: str) -> Mapping[TopicPartition, int]:
        def look() -> Mapping[TopicPartition, int]:
            with self._log.snapshot() as connection:
                rows = connection.execute(
                    "SELECT topic, partition, next_offset FROM mirrored WHERE consumer_group = ?", (group,)
                )
                return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}

        return await self._run(look)

    async def fetch(self, topic_partition: TopicPartition, offset: int, max_records: int) -> Sequence[Record]:
        def look() -> list[Record]:
            with self._log.snapshot() as connection:
                earliest, end = bounds(self._log, connection, topic_partition)
                if offset < earliest:
                    raise RetentionGapError(topic_partition, offset, earliest)
                return read(self._log, connection, topic_partition, offset, end, max_records, None)[0]

        return await self._run(look)

    async def trim(self, topic_partition: TopicPartition, before_offset: int) -> None:
        def remove() -> None:
            with self._log.transaction() as connection:
                earliest, end = bounds(self._log, connection, topic_partition)
                remove_before(self._log, connection, topic_partition, max(earliest, min(before_offset, end)))

        await self._run(remove)

    def producer(self) -> "SqliteProducer":
        return SqliteProducer(self)

    def consumer(
        self, group: str, member: str, topics: Sequence[str], types: frozenset[str] | None = None
    ) -> SqliteConsumer:
        return SqliteConsumer(
            self._open(),
            self._run,
            lambda: self._appended,
            self._clock,
            group=group,
            member=member,
            topics=topics,
            types=types,
            lease_s=self._lease_s,
            heartbeat_s=self._heartbeat_s,
            idle_poll_s=self._idle_poll_s,
            background_heartbeat=self._background_heartbeat,
        )

    async def close(self, timeout_s: float) -> None:
        if self._closed:
            return
        self._closed = True
        await self._run(functools.partial(self._writer.close, timeout_s))
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._log.close()
        self._writer_log.close()


class SqliteProducer:
    """Writes through the bus's one writer thread, so that concurrent calls share a transaction."""

    def __init__(self, bus: SqliteBus) -> None:
        self._bus = bus

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        return await self._bus.publish(messages)

    async def close(self, timeout_s: float) -> None:
        """Nothing is held back: `publish` returns when its messages are durable."""
