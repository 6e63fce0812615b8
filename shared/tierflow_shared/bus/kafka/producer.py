"""Writing: calls that wait for the same partition share a batch, and a partition has one batch on its way."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from tierflow_shared.bus.kafka.connecting import Connection
from tierflow_shared.bus.kafka.faults import bounded, within
from tierflow_shared.bus.kafka.options import KafkaOptions
from tierflow_shared.bus.partitioning import partition_of
from tierflow_shared.bus.port import (
    BusUnavailableError,
    Message,
    MessageTooLargeError,
    Position,
    TopicPartition,
)
from tierflow_shared.clock import Clock

_log = structlog.get_logger("tierflow.kafka")
_RECORD_OVERHEAD = 200
_HEADER_OVERHEAD = 10
_ABANDON_LIMIT_S = 2.0


class _Part:
    """What one call wants to write to one partition. It fails as a whole, so nothing overtakes a failed message."""

    __slots__ = ("answer", "messages", "offsets", "taken")

    def __init__(self, messages: list[Message], loop: asyncio.AbstractEventLoop) -> None:
        self.messages = messages
        self.taken = 0
        self.offsets: list[int] = []
        self.answer: asyncio.Future[list[int]] = loop.create_future()
        self.answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, also if nobody waits

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Sender:
    """The one idempotent producer of a process, made anew after every failure.

    After a failed batch nobody knows whether the broker has it, and the library would go on sending it. So the
    producer is thrown away with what it still holds, every waiting call is told, and the caller may repeat.
    """

    def __init__(self, options: KafkaOptions, clock: Clock, partitions: Callable[[str], Awaitable[int]]) -> None:
        self.options, self._clock, self._partitions = options, clock, partitions
        self._connection = Connection(self._make, _abandon)
        self._lanes: dict[TopicPartition, _Lane] = {}
        self._closed = False

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        if self._closed:
            raise BusUnavailableError("the bus is closed")
        limit = self.options.max_batch_bytes
        by_partition: dict[TopicPartition, list[int]] = {}
        for index, message in enumerate(messages):
            if _size(message) > limit:
                raise MessageTooLargeError(f"a message of {len(message.value)} bytes exceeds the limit of {limit}")
            partition = message.partition
            if partition is None:
                partition = partition_of(message.key, await self._partitions(message.topic))
            by_partition.setdefault(TopicPartition(message.topic, partition), []).append(index)
        loop = asyncio.get_running_loop()
        parts = {
            here: self._lane(here).put([messages[index] for index in indexes], loop)
            for here, indexes in by_partition.items()
        }
        if parts:
            await asyncio.wait([part.answer for part in parts.values()])
        errors = [error for part in parts.values() if (error := part.answer.exception()) is not None]
        if errors:
            raise errors[0]
        positions: list[Position | None] = [None] * len(messages)
        for here, indexes in by_partition.items():
            for index, offset in zip(indexes, parts[here].answer.result(), strict=True):
                positions[index] = Position(here.topic, here.partition, offset)
        return positions  # type: ignore[return-value]

    def _lane(self, here: TopicPartition) -> "_Lane":
        lane = self._lanes.get(here)
        if lane is None:
            lane = self._lanes[here] = _Lane(here, self)
        return lane

    def _make(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self.options.connection(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=self.options.max_batch_bytes,
            max_request_size=2 * self.options.max_batch_bytes,
        )

    async def client(self) -> AIOKafkaProducer:
        """The producer, connected."""
        return await self._connection.get()

    async def discard(self, client: AIOKafkaProducer | None) -> None:
        """Throws a producer away with all that it still holds."""
        if client is not None and self._connection.client is client:
            self._connection.client = None
            await _abandon(client)

    def now_ms(self) -> int:
        """The time that new messages bear."""
        return int(self._clock.now().timestamp() * 1000)

    async def close(self, timeout_s: float) -> None:
        """Waits for what is on its way, at most `timeout_s` seconds; what is late fails."""
        self._closed = True
        busy = [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]
        if busy:
            _, late = await asyncio.wait(busy, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
        await self._connection.close(timeout_s)


class _Lane:
    """The queue of one partition."""

    def __init__(self, here: TopicPartition, sender: Sender) -> None:
        self._here, self._sender = here, sender
        self._waiting: deque[_Part] = deque()
        self.task: asyncio.Task[None] | None = None

    def put(self, messages: list[Message], loop: asyncio.AbstractEventLoop) -> _Part:
        part = _Part(messages, loop)
        self._waiting.append(part)
        if self.task is None or self.task.done():
            self.task = loop.create_task(self._send_all(), name=f"produce-{self._here.topic}-{self._here.partition}")
        return part

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send_some()
        except BaseException as error:
            failure = error if isinstance(error, Exception) else BusUnavailableError("the bus is closed")
            while self._waiting:
                self._waiting.popleft().fail(failure)
            if not isinstance(error, Exception):
                raise

    async def _send_some(self) -> None:
        options = self._sender.options
        client: AIOKafkaProducer | None = None
        what = f"writing to {self._here.topic}/{self._here.partition}"
        try:
            async with bounded(what, options.request_timeout_s):
                client = await self._sender.client()
                batch, placed = self._fill(client.create_batch())
                sent = await client.send_batch(batch, options.full(self._here.topic), partition=self._here.partition)
                base = (await sent).offset
                if base < 0:
                    raise KafkaError("the broker has the batch already, but not where it lies")
        except BaseException as error:
            _log.warning("a batch was not acknowledged", topic=self._here.topic, partition=self._here.partition)
            await self._sender.discard(client)
            if isinstance(error.__cause__, MessageSizeTooLargeError | RecordListTooLargeError):
                raise MessageTooLargeError(
                    f"{what}: the broker takes smaller batches than {options.max_batch_bytes} bytes; "
                    "lower TIERFLOW_KAFKA_MAX_BATCH_BYTES below its message.max.bytes"
                ) from error
            raise
        self._settle(base, placed)

    def _fill(self, batch: Any) -> tuple[Any, list[tuple[_Part, int]]]:
        """Moves waiting messages into the batch until it is full; says how many of which part."""
        append, now_ms = batch.append, self._sender.now_ms()
        placed: list[tuple[_Part, int]] = []
        for part in self._waiting:
            count = 0
            for message in part.messages[part.taken :] if part.taken else part.messages:
                added = append(
                    timestamp=now_ms, key=message.key.encode(), value=message.value, headers=list(message.headers)
                )
                if added is None:
                    break
                count += 1
            if count:
                placed.append((part, count))
            if part.taken + count < len(part.messages):
                break
        batch.close()
        return batch, placed

    def _settle(self, base: int, placed: list[tuple[_Part, int]]) -> None:
        for part, count in placed:
            part.offsets.extend(range(base, base + count))
            part.taken += count
            base += count
            if part.taken == len(part.messages):
                self._waiting.popleft()
                if not part.answer.done():
                    part.answer.set_result(part.offsets)


class KafkaProducer:
    """A service's face of the process's sender."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        return await self._sender.publish(messages)

    async def close(self, timeout_s: float) -> None:
        """Nothing is held back: `publish` returns when its messages are durable."""


def _size(message: Message) -> int:
    headers = sum(len(name) + len(value) + _HEADER_OVERHEAD for name, value in message.headers)
    return len(message.value) + len(message.key) + headers + _RECORD_OVERHEAD


async def _abandon(client: AIOKafkaProducer) -> None:
    """Ends a producer without waiting for a broker: what it holds fails."""
    task = client._sender.sender_task
    if task is not None:
        task.remove_done_callback(client._sender._fail_all)  # it trips over a producer without transactions
    _fail_batches(client._message_accumulator)
    await client.client.close()
    if task is not None:
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=_ABANDON_LIMIT_S)
        for ended in done:
            _ = ended.cancelled() or ended.exception()
    await within(_ABANDON_LIMIT_S, client.stop())


class _Forgiving(set[Any]):
    """The library removes a batch that it was about to send again twice when it fails in between."""

    def remove(self, element: Any) -> None:
        self.discard(element)


def _fail_batches(accumulator: Any) -> None:
    """Whoever waits for a batch is told; errors that nobody waits for are marked as seen."""
    queued = [batch for queue in accumulator._batches.values() for batch in queue]
    batches = [*accumulator._pending_batches, *queued]
    accumulator._pending_batches = _Forgiving(batches)
    accumulator.fail_all(KafkaError("the producer was given up"))
    for batch in batches:
        for future in (batch.future, batch._drain_waiter):
            _ = future.done() and (future.cancelled() or future.exception())
