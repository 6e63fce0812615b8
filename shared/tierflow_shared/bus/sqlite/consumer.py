"""A member of a group that reads the log file."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from tierflow_shared.bus.port import (
    Assignment,
    AssignmentListener,
    Batch,
    BusUnavailableError,
    Record,
    RetentionGapError,
    TopicPartition,
)
from tierflow_shared.bus.sqlite.group import Turn, give_back, leave, take_turn
from tierflow_shared.bus.sqlite.storage import LogFile, all_bounds, read
from tierflow_shared.clock import Clock

Answer = TypeVar("Answer")
RunInThread = Callable[[Callable[[], Answer]], Awaitable[Answer]]


class SqliteConsumer:
    """Polls its partitions in turn; a heartbeat keeps its leases while a long batch is worked on."""

    def __init__(
        self,
        log: LogFile,
        run: Callable[[Callable[[], object]], Awaitable[object]],
        appended: Callable[[], asyncio.Event],
        clock: Clock,
        *,
        group: str,
        member: str,
        topics: Sequence[str],
        types: frozenset[str] | None,
        lease_s: float,
        heartbeat_s: float,
        idle_poll_s: float,
        background_heartbeat: bool,
    ) -> None:
        self._log, self._run, self._appended, self._clock = log, run, appended, clock
        self._group, self._member, self._topics = group, member, tuple(topics)
        self._types = types
        self._lease_ms, self._heartbeat_s, self._idle_poll_s = int(lease_s * 1000), heartbeat_s, idle_poll_s
        self._background_heartbeat = background_heartbeat
        self._listener: AssignmentListener | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._epochs: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._next_turn = 0.0
        self._rotation = 0
        self._heartbeat: asyncio.Task[None] | None = None

    async def start(self, listener: AssignmentListener) -> None:
        self._listener = listener
        if self._background_heartbeat:
            self._heartbeat = asyncio.create_task(self._keep_leases(), name=f"heartbeat-{self._group}-{self._member}")

    async def poll(self, max_records: int, timeout_s: float) -> Batch:
        assert self._listener is not None, "start() comes first"
        assert max_records >= 1
        deadline = time.monotonic() + timeout_s
        while True:
            wake = self._appended()
            if time.monotonic() >= self._next_turn:
                await self._take_part()
            batch = await self._in_thread(lambda: self._read(max_records))
            remaining_s = deadline - time.monotonic()
            if batch.end or remaining_s <= 0:
                return batch
            await _wait(wake, min(remaining_s, self._idle_poll_s))

    def _read(self, max_records: int) -> Batch:
        readable = [tp for tp in self._positions if tp not in self._paused]
        records: list[Record] = []
        start: dict[TopicPartition, int] = {}
        end: dict[TopicPartition, int] = {}
        if not readable:
            return Batch(records, start, end)
        self._rotation += 1
        turn = self._rotation % len(readable)
        quota = max(1, max_records // len(readable))
        with self._log.snapshot() as connection:
            known = all_bounds(connection)
            for topic_partition in readable[turn:] + readable[:turn]:
                room = min(quota, max_records - len(records))
                if room <= 0:
                    break
                position = self._positions[topic_partition]
                earliest, written = known[topic_partition]
                if position < earliest:
                    raise RetentionGapError(topic_partition, position, earliest)
                found, looked_to = read(self._log, connection, topic_partition, position, written, room, self._types)
                if looked_to > position:
                    records += found
                    start[topic_partition], end[topic_partition] = position, looked_to
        self._positions.update(end)
        return Batch(records, start, end)

    async def _take_part(self) -> None:
        turn = await self._in_thread(self._turn)
        self._next_turn = time.monotonic() + self._heartbeat_s
        lost = [tp for tp, epoch in self._epochs.items() if turn.held.get(tp) != epoch]
        if lost:
            await self._drop(lost)
        if turn.surplus:
            await self._drop([tp for tp in turn.surplus if tp in self._epochs])
            await self._in_thread(lambda: self._give_back(turn.surplus))
        missing = [(tp, epoch) for tp, epoch in turn.held.items() if tp not in self._epochs and tp not in turn.surplus]
        if missing:
            await self._take_over(missing)

    async def _take_over(self, missing: Sequence[tuple[TopicPartition, int]]) -> None:
        assert self._listener is not None
        assignments = [Assignment(tp, epoch) for tp, epoch in missing]
        offsets = await self._listener.assigned(assignments)
        for topic_partition, epoch in assignments:
            self._epochs[topic_partition] = epoch
            self._positions[topic_partition] = offsets[topic_partition]
            self._paused.discard(topic_partition)

    async def _drop(self, partitions: Sequence[TopicPartition]) -> None:
        assert self._listener is not None
        for topic_partition in partitions:
            self._epochs.pop(topic_partition, None)
            self._positions.pop(topic_partition, None)
            self._paused.discard(topic_partition)
        await self._listener.revoked(partitions)

    def _turn(self) -> Turn:
        with self._log.transaction() as connection:
            partitions = [
                TopicPartition(topic, partition)
                for topic in self._topics
                for partition in range(self._log.topic(connection, topic)[1])
            ]
            return take_turn(connection, self._group, self._member, partitions, self._now_ms(), self._lease_ms)

    def _give_back(self, partitions: Sequence[TopicPartition]) -> None:
        with self._log.transaction() as connection:
            give_back(connection, self._group, self._member, partitions)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._in_thread(self._renew)
            except BusUnavailableError:
                continue

    def _renew(self) -> None:
        with self._log.transaction() as connection:
            now_ms = self._now_ms()
            connection.execute(
                "UPDATE member SET heartbeat_ms = ? WHERE consumer_group = ? AND member = ?",
                (now_ms, self._group, self._member),
            )
            connection.execute(
                "UPDATE lease SET expires_ms = ? WHERE consumer_group = ? AND member = ? AND expires_ms > ?",
                (now_ms + self._lease_ms, self._group, self._member, now_ms),
            )

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        if topic_partition in self._positions:
            self._positions[topic_partition] = offset

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused.difference_update(partitions)

    async def mirror(self, offsets: Mapping[TopicPartition, int]) -> None:
        rows = [(self._group, *topic_partition, offset) for topic_partition, offset in offsets.items()]

        def write() -> None:
            with self._log.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO mirrored VALUES (?, ?, ?, ?)", rows)

        await self._in_thread(write)

    async def close(self, timeout_s: float) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
            self._heartbeat = None
        try:
            async with asyncio.timeout(timeout_s):
                await self._in_thread(self._leave)
        except (TimeoutError, BusUnavailableError):
            pass  # the lease ends by itself

    def _leave(self) -> None:
        with self._log.transaction() as connection:
            leave(connection, self._group, self._member)
        self._log.close()

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        return await self._run(work)  # type: ignore[return-value]


async def _wait(wake: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await wake.wait()
    except TimeoutError:
        pass
