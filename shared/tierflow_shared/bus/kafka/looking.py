"""Looking at a cluster outside any group: topics, offsets, single reads, retention."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import TopicPartition as KafkaPartition

from tierflow_shared.bus.kafka.connecting import Connection
from tierflow_shared.bus.kafka.faults import bounded, retried
from tierflow_shared.bus.kafka.options import KafkaOptions
from tierflow_shared.bus.kafka.records import to_records
from tierflow_shared.bus.port import Record, RetentionGapError, TopicPartition

Answer = TypeVar("Answer")
_FETCH_WAIT_MS: Final = 200


class Looker:
    """An administrator and a reader without a group, connected when first needed. One question at a time reads."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._admin = Connection(self._make_admin, lambda admin: admin.close())
        self._reader = Connection(self._make_reader, lambda reader: reader.stop())
        self._reading = asyncio.Lock()

    async def _ask(self, what: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        return await retried(what, self._options.request_timeout_s, self._options.retry_backoff_s, ask)

    def _make_admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**self._options.connection())

    def _make_reader(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._options.connection(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )

    def _full(self, here: TopicPartition) -> KafkaPartition:
        return KafkaPartition(self._options.full(here.topic), here.partition)

    async def create_topics(self, topics: Mapping[str, int]) -> None:
        """Creates what is missing and waits until it can be written to. Who may not create needs all to be there."""
        options = self._options
        wanted = [
            NewTopic(
                options.full(topic), partitions, options.replication_factor, topic_configs=options.topic_settings(topic)
            )
            for topic, partitions in topics.items()
        ]

        async def create() -> None:
            admin = await self._admin.get()
            found = await admin.describe_topics([topic.name for topic in wanted])
            absent = {one["topic"] for one in found if for_code(one["error_code"]) is UnknownTopicOrPartitionError}
            if not absent:
                return
            answer = await admin.create_topics([topic for topic in wanted if topic.name in absent])
            for _, code, *_ in answer.topic_errors:
                error = for_code(code)
                if error not in (NoError, TopicAlreadyExistsError):
                    raise error()

        await self._ask("creating topics", create)
        for topic in topics:
            await self._ask(f"finding topic {topic}", lambda topic=topic: self._led(topic))  # type: ignore[misc]

    async def _led(self, topic: str) -> int:
        """The number of partitions once all of them have a leader."""
        admin = await self._admin.get()
        (found,) = await admin.describe_topics([self._options.full(topic)])
        if found["error_code"]:
            raise for_code(found["error_code"])()
        if any(partition["leader"] < 0 for partition in found["partitions"]):
            raise LeaderNotAvailableError()
        return len(found["partitions"])

    async def partitions(self, topic: str) -> int:
        """Asked of the broker each time.

        Raises:
            KeyError: no such topic.
        """

        async def look() -> int:
            admin = await self._admin.get()
            (found,) = await admin.describe_topics([self._options.full(topic)])
            error = for_code(found["error_code"])
            if error is UnknownTopicOrPartitionError:
                return 0
            if error is not NoError:
                raise error()
            return len(found["partitions"])

        count = await self._ask(f"looking for topic {topic}", look)
        if count == 0:
            raise KeyError(f"no topic {topic}")
        return count

    async def bounds(self, here: TopicPartition) -> tuple[int, int]:
        """The oldest offset kept and the next one to be written."""

        async def look() -> tuple[int, int]:
            reader, full = await self._reader.get(), self._full(here)
            earliest = await reader.beginning_offsets([full])
            end = await reader.end_offsets([full])
            return int(earliest[full]), int(end[full])

        return await self._ask(f"offsets of {here.topic}/{here.partition}", look)

    async def offset_for_time(self, here: TopicPartition, timestamp_ms: int) -> int:
        """The first offset that is not older; the end when there is none."""

        async def look() -> int | None:
            reader, full = await self._reader.get(), self._full(here)
            found = (await reader.offsets_for_times({full: timestamp_ms}))[full]
            return None if found is None else int(found.offset)

        offset = await self._ask(f"offset by time of {here.topic}/{here.partition}", look)
        return (await self.bounds(here))[1] if offset is None else offset

    async def mirrored(self, group: str) -> Mapping[TopicPartition, int]:
        """What the group committed on the broker."""

        async def look() -> dict[TopicPartition, int]:
            admin = await self._admin.get()
            found = await admin.list_consumer_group_offsets(self._options.full(group))
            return {
                TopicPartition(self._options.plain(topic), partition): shown.offset
                for (topic, partition), shown in found.items()
                if shown.offset >= 0
            }

        return await self._ask(f"offsets of group {group}", look)

    async def remove_members(self, group: str, client_id: str) -> int:
        """Takes the members of this client id out of a group, as they would themselves; returns how many there were.

        The group need not wait for their session to end. One that lives after all is told at its next heartbeat.
        """
        full = self._options.full(group)

        async def leave() -> int:
            admin = await self._admin.get()
            coordinator = await admin.find_coordinator(full)
            (answer,) = await admin.describe_consumer_groups([full], coordinator)
            members = [
                member["member_id"]
                for found in answer.to_object()["groups"]
                for member in found["members"]
                if member["client_id"] == client_id
            ]
            for member_id in members:
                await admin._client.send(coordinator, LeaveGroupRequest(full, member_id))
            return len(members)

        return await self._ask(f"what is left of us in group {group}", leave)

    async def trim(self, here: TopicPartition, before_offset: int) -> None:
        """Removes what lies before the offset."""
        earliest, end = await self.bounds(here)
        keep_from = min(before_offset, end)
        if keep_from <= earliest:
            return

        async def remove() -> None:
            admin = await self._admin.get()
            await admin.delete_records({self._full(here): RecordsToDelete(keep_from)})

        await self._ask(f"trimming {here.topic}/{here.partition}", remove)

    async def fetch(self, here: TopicPartition, offset: int, max_records: int) -> Sequence[Record]:
        """Records from an offset on, up to the end as it is now."""
        earliest, end = await self.bounds(here)
        if offset < earliest:
            raise RetentionGapError(here, offset, earliest)
        if offset >= end or max_records <= 0:
            return []
        what = f"reading {here.topic}/{here.partition}"
        async with self._reading, bounded(what, self._options.request_timeout_s):
            reader, full = await self._reader.get(), self._full(here)
            reader.assign([full])
            try:
                reader.seek(full, offset)
                records: list[Record] = []
                started = time.monotonic()
                while len(records) < max_records and offset < end:
                    left = max_records - len(records)
                    found = await reader.getmany(full, timeout_ms=_FETCH_WAIT_MS, max_records=left)
                    for chunk in found.values():
                        records += to_records(here.topic, here.partition, chunk)
                    offset = await reader.position(full)
                    if not found and time.monotonic() - started > self._options.request_timeout_s:
                        raise KafkaError("nothing came")
                return records
            finally:
                # Else it asks for more for ever, and each look at an offset waits behind such a question.
                reader.unsubscribe()

    async def close(self, timeout_s: float) -> None:
        """Ends both connections, each within the limit."""
        await asyncio.gather(self._reader.close(timeout_s), self._admin.close(timeout_s))
