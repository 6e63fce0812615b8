"""A member of a consumer group. Its positions are its own; the library only fetches."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition as KafkaPartition

from tierflow_shared.bus.kafka.assignor import StickyAssignor
from tierflow_shared.bus.kafka.connecting import Connection
from tierflow_shared.bus.kafka.faults import LOST, bounded, patiently, within
from tierflow_shared.bus.kafka.fetches import forget_fetches, make_our_records
from tierflow_shared.bus.kafka.looking import Looker
from tierflow_shared.bus.kafka.membership import Joined, Membership
from tierflow_shared.bus.kafka.options import KafkaOptions
from tierflow_shared.bus.port import (
    Assignment,
    AssignmentListener,
    Batch,
    BusUnavailableError,
    Record,
    RetentionGapError,
    StaleEpochError,
    TopicPartition,
)

_log = structlog.get_logger("tierflow.kafka")
_MIRROR_LIMIT_S = 1.0
Fetched = dict[KafkaPartition, list[Record]]


class KafkaConsumer:
    """Polls with `getmany`. The listener is told inside `poll` only, whenever the library's coordinator noted a change.

    A fetch is never cancelled (the library would forget that we are alive); one that outlives its poll is taken up
    by the next. What it brings is thrown away if the group, a seek or a pause changed something meanwhile.
    """

    def __init__(
        self,
        options: KafkaOptions,
        looker: Looker,
        *,
        group: str,
        member: str,
        topics: Sequence[str],
        types: frozenset[str] | None,
    ) -> None:
        self._options, self._looker = options, looker
        self._group, self._topics, self._types = group, tuple(topics), types
        self._client_id = f"{options.client_id}-{options.instance_id or member}"
        self._assignor = StickyAssignor()
        self._membership = Membership(self._assignor, options.plain)
        self._listener: AssignmentListener | None = None
        self._connection = Connection(self._make, lambda client: client.stop())
        self._client: AIOKafkaConsumer | None = None
        self._settled: Joined | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._lift = 0
        self._own_turn = 0
        self._fetching: asyncio.Task[Fetched] | None = None
        self._fetch_turn = (0, 0)
        self._heard, self._heard_at = 0, time.monotonic()
        self._closed = False

    async def start(self, listener: AssignmentListener) -> None:
        """Nothing is asked of the broker yet, so a service starts while the broker is down."""
        self._listener = listener

    async def poll(self, max_records: int, timeout_s: float) -> Batch:
        assert self._listener is not None, "start() comes first"
        assert max_records >= 1
        deadline = time.monotonic() + timeout_s
        client = await self._connected()
        while True:
            await self._settle()
            batch = await self._fetch(client, max_records, max(0.0, deadline - time.monotonic()))
            if batch.end or time.monotonic() >= deadline:
                return batch

    def _make(self) -> AIOKafkaConsumer:
        options = self._options
        return AIOKafkaConsumer(
            **{**options.connection(), "client_id": self._client_id},
            group_id=options.full(self._group),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            partition_assignment_strategy=(self._assignor,),
            session_timeout_ms=round(options.session_timeout_s * 1000),
            heartbeat_interval_ms=round(options.heartbeat_s * 1000),
            max_poll_interval_ms=round(options.max_poll_interval_s * 1000),
            rebalance_timeout_ms=round(options.session_timeout_s * 1000),
            fetch_max_wait_ms=round(options.fetch_wait_s * 1000),
            max_partition_fetch_bytes=options.fetch_partition_bytes,
        )

    async def _connected(self) -> AIOKafkaConsumer:
        if self._closed:
            raise BusUnavailableError("the consumer is closed")
        if self._client is None:
            if self._options.instance_id is not None:
                await self._remove_predecessor()
            async with bounded("joining the group", self._options.request_timeout_s):
                client = await self._connection.get()
            self._membership.attach(client)
            make_our_records(client, self._options.plain)
            client.subscribe([self._options.full(topic) for topic in self._topics], listener=self._membership)
            self._client = client
        return self._client

    async def _remove_predecessor(self) -> None:
        """Once, before joining: another member of this name can only be what a crash left of us."""
        left = await self._looker.remove_members(self._group, self._client_id)
        if left:
            _log.info("an earlier life of this replica was taken out of the group", group=self._group, members=left)

    async def _settle(self) -> None:
        """Brings the listener up to what the group decided."""
        assert self._listener is not None
        while True:
            if self._membership.lost:
                self._membership.lost = False
                await self._revoke(list(self._positions))
            joined = self._membership.joined
            if joined is None or joined is self._settled:
                return
            await self._revoke([here for here in self._positions if here not in joined.partitions])
            offsets = await self._claim(joined)
            if offsets is None:
                await self._revoke(list(self._positions))
            else:
                self._positions = dict(offsets)
                self._paused &= set(offsets)
            self._settled = joined
            self._restore()

    async def _revoke(self, partitions: Sequence[TopicPartition]) -> None:
        assert self._listener is not None
        if partitions:
            self._lose(partitions)
            await self._listener.revoked(partitions)

    def _lose(self, partitions: Sequence[TopicPartition]) -> None:
        self._own_turn += 1
        for here in partitions:
            self._positions.pop(here, None)
            self._paused.discard(here)

    async def _claim(self, joined: Joined) -> Mapping[TopicPartition, int] | None:
        """The offsets to read from; None if the group has gone on without us."""
        assert self._listener is not None
        partitions = sorted(joined.partitions)
        if not partitions:
            return {}
        for _ in range(len(partitions) + 1):
            epoch = joined.epoch(self._lift)
            try:
                return await self._listener.assigned([Assignment(here, epoch) for here in partitions])
            except StaleEpochError as stale:
                async with bounded("asking for our membership", self._options.request_timeout_s):
                    asked = self._membership.is_current(joined)
                    if not await patiently(asked, self._options.request_timeout_s):
                        return None
                self._lift = max(self._lift, joined.lift_above(stale.claimed))
        raise BusUnavailableError("others claim our partitions faster than we do")

    async def _fetch(self, client: AIOKafkaConsumer, max_records: int, timeout_s: float) -> Batch:
        if self._fetching is None:
            self._fetch_turn = (self._membership.turn, self._own_turn)
            wait_ms = max(1, round(timeout_s * 1000)) if timeout_s else 0
            self._fetching = asyncio.create_task(client.getmany(timeout_ms=wait_ms, max_records=max_records))
        if self._membership.changed is None or self._membership.changed.done():
            self._membership.changed = asyncio.get_running_loop().create_future()
        await asyncio.wait(
            (self._fetching, self._membership.changed), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._fetching.done():
            return Batch((), {}, {})
        finished, self._fetching = self._fetching, None
        unchanged = self._fetch_turn == (self._membership.turn, self._own_turn)
        if finished.exception() is not None:
            forget_fetches(client)
        try:
            found = finished.result()
        except OffsetOutOfRangeError as error:
            if unchanged:
                await self._out_of_range(error)
            found = {}
        except NoOffsetForPartitionError:
            found = {}
        except LOST as error:
            raise BusUnavailableError(f"reading: {error!r}") from error
        if not unchanged or sum(map(len, found.values())) > max_records:
            self._restore()
            return Batch((), {}, {})
        if not found:
            self._listen(client)
        return self._take(found)

    def _listen(self, client: AIOKafkaConsumer) -> None:
        """An empty answer is fine, no answer at all is not.

        Raises:
            BusUnavailableError: no broker has answered a fetch for too long.
        """
        reading = [here for here in self._positions if here not in self._paused]
        full = self._options.full
        heard = max(
            (client.last_poll_timestamp(KafkaPartition(full(h.topic), h.partition)) or 0 for h in reading), default=0
        )
        if not reading or heard != self._heard:
            self._heard, self._heard_at = heard, time.monotonic()
        elif time.monotonic() - self._heard_at > self._options.request_timeout_s + self._options.fetch_wait_s:
            raise BusUnavailableError("no broker answers our fetches")

    def _take(self, found: Fetched) -> Batch:
        records: list[Record] = []
        start: dict[TopicPartition, int] = {}
        end: dict[TopicPartition, int] = {}
        for (full_topic, partition), chunk in found.items():
            here = TopicPartition(self._options.plain(full_topic), partition)
            if here not in self._positions:
                continue
            start[here], end[here] = self._positions[here], chunk[-1].offset + 1
            types = self._types
            records += chunk if types is None else [record for record in chunk if record.type in types]
        self._positions.update(end)
        return Batch(records, start, end)

    async def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        for (full_topic, partition), wanted in dict(error.args[0]).items():
            here = TopicPartition(self._options.plain(full_topic), partition)
            earliest, end = await self._looker.bounds(here)
            if wanted < earliest:
                raise RetentionGapError(here, wanted, earliest)
            raise BusUnavailableError(f"{here.topic}/{partition} ends at {end}, before our offset {wanted}: data lost?")

    def _restore(self) -> None:
        """The library reads on from our positions, whatever it fetched before, and pauses what we paused."""
        self._own_turn += 1
        self._heard_at = time.monotonic()
        for here, offset in self._positions.items():
            self._move(here, offset)
        for here in self._paused:
            self._tell(lambda client, full: client.pause(full), here)

    def _move(self, here: TopicPartition, offset: int) -> None:
        self._tell(lambda client, full: client.seek(full, offset), here)

    def _tell(self, do: Callable[[AIOKafkaConsumer, KafkaPartition], None], here: TopicPartition) -> None:
        if self._client is None:
            return
        with suppress(IllegalStateError):  # the group has taken it from us; the next poll says so
            do(self._client, KafkaPartition(self._options.full(here.topic), here.partition))

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        if topic_partition in self._positions:
            self._positions[topic_partition] = offset
            self._own_turn += 1
            self._move(topic_partition, offset)

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._own_turn += 1
        for here in partitions:
            if here in self._positions:
                self._paused.add(here)
                self._tell(lambda client, full: client.pause(full), here)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        for here in partitions:
            self._paused.discard(here)
            self._tell(lambda client, full: client.resume(full), here)

    def give_up(self, partitions: Sequence[TopicPartition]) -> None:
        self._lose(partitions)
        for here in partitions:
            self._tell(lambda client, full: client.pause(full), here)
        if self._client is not None:
            self._membership.rejoin()

    async def mirror(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._client is None:
            return
        shown = {
            KafkaPartition(self._options.full(here.topic), here.partition): offset
            for here, offset in offsets.items()
            if here in self._positions
        }
        if not shown:
            return
        try:
            await patiently(self._client.commit(shown), _MIRROR_LIMIT_S)
        except (TimeoutError, *LOST):
            pass  # only lag tools look at it

    async def close(self, timeout_s: float) -> None:
        if self._closed:
            return
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            self._connection.client = None
            await within(timeout_s, client.stop())
        await self._connection.close(timeout_s)
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
