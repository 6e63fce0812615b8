"""What a member knows of its group: the generation it was admitted to, and what it was given there.

The library has no public way to ask for the generation, nor to verify it; this module is the only one that looks
into its coordinator.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition as KafkaPartition

from tierflow_shared.bus.kafka.assignor import StickyAssignor
from tierflow_shared.bus.port import BusUnavailableError, TopicPartition

_TAG_BITS: Final = 20
_NO_GENERATION: Final = -1


@dataclass(frozen=True, slots=True)
class Joined:
    """One admission to the group."""

    generation: int
    member_id: str
    partitions: frozenset[TopicPartition]

    def epoch(self, lift: int) -> int:
        """The fencing epoch: grows with the generation; the member's tag tells two lives of a group apart."""
        tag = zlib.crc32(self.member_id.encode()) & ((1 << _TAG_BITS) - 1)
        return ((self.generation + lift) << _TAG_BITS) | tag

    def lift_above(self, claimed: int) -> int:
        """What must be added to the generation for an epoch larger than `claimed`."""
        return (claimed >> _TAG_BITS) + 1 - self.generation


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Listens to the library's coordinator and notes; the consumer acts on it inside `poll`.

    Nothing waits here: while a batch is in work the group may move on, and the database fences what comes too late.
    """

    def __init__(self, assignor: StickyAssignor, plain: Callable[[str], str]) -> None:
        self._assignor, self._plain = assignor, plain
        self._coordinator: Any = None
        self.joined: Joined | None = None
        self.lost = False
        self.turn = 0
        self.changed: asyncio.Future[None] | None = None

    def attach(self, consumer: AIOKafkaConsumer) -> None:
        """From now on this consumer's coordinator is asked."""
        self._coordinator = consumer._coordinator

    def on_partitions_revoked(self, revoked: Iterable[KafkaPartition]) -> None:  # noqa: ARG002
        """A rebalance begins. Without a generation our partitions may already belong to others."""
        self.lost = self.lost or self._coordinator.generation == _NO_GENERATION
        self._change()

    def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        """A rebalance has ended with this assignment."""
        given = [(partition.topic, partition.partition) for partition in assigned]
        self._assignor.holds(self._coordinator.generation, given)
        self.joined = Joined(
            self._coordinator.generation,
            self._coordinator.member_id,
            frozenset(TopicPartition(self._plain(topic), partition) for topic, partition in given),
        )
        self._change()

    def _change(self) -> None:
        self.turn += 1
        if self.changed is not None and not self.changed.done():
            self.changed.set_result(None)

    async def is_current(self, joined: Joined) -> bool:
        """Asks the broker whether we are still in this generation.

        Raises:
            BusUnavailableError: it does not say.
        """
        if self._is_past(joined):
            return False
        await self._coordinator.ensure_coordinator_known()
        if await self._coordinator._do_heartbeat():
            return not self._is_past(joined)
        if self._is_past(joined):
            return False
        raise BusUnavailableError("the group's coordinator does not answer")

    def _is_past(self, joined: Joined) -> bool:
        now = (self._coordinator.generation, self._coordinator.member_id)
        return now != (joined.generation, joined.member_id)

    def rejoin(self) -> None:
        """Asks for a new generation of the group."""
        self._coordinator.request_rejoin()
