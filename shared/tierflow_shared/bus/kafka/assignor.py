"""Who gets which partition: even within each topic, and everybody keeps what is possible."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from tierflow_shared.bus.port import TopicPartition

_VERSION: Final = 0


class _Held(msgspec.Struct, array_like=True, frozen=True):
    generation: int = -1
    partitions: tuple[tuple[str, int], ...] = ()


class StickyAssignor:
    """One member's assignor. It tells the group what it holds since which generation; the leader's one decides.

    The library's own sticky assignor keeps its memory in class variables, which members in one process would share.
    """

    name = "tierflow-sticky"

    def __init__(self) -> None:
        self.held = _Held()

    def holds(self, generation: int, partitions: Iterable[tuple[str, int]]) -> None:
        """What this member was given in a generation."""
        self.held = _Held(generation, tuple(sorted(partitions)))

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), msgspec.msgpack.encode(self.held))

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """`holds` is told, together with the generation."""

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        partitions = {
            topic: sorted(cluster.partitions_for_topic(topic) or ())
            for topic in {topic for member in members.values() for topic in member.subscription}
        }
        wanting = {
            topic: sorted(member for member, metadata in members.items() if topic in metadata.subscription)
            for topic in partitions
        }
        shares = share_out(partitions, wanting, {member: _held(m.user_data) for member, m in members.items()})
        return {
            member: ConsumerProtocolMemberAssignment(_VERSION, sorted(_by_topic(shares.get(member, ())).items()), b"")
            for member in members
        }


def share_out(
    partitions: Mapping[str, list[int]], wanting: Mapping[str, list[str]], held: Mapping[str, _Held]
) -> dict[str, list[TopicPartition]]:
    """Shares each topic's partitions among the members that want it; the numbers differ by one at most."""
    keepers = _latest_holders(held)
    shares: dict[str, list[TopicPartition]] = {member: [] for member in held}
    for topic in sorted(partitions):
        candidates = wanting[topic]
        small, larger = divmod(len(partitions[topic]), len(candidates))
        count: Counter[str] = Counter()
        free: list[TopicPartition] = []
        for here in (TopicPartition(topic, partition) for partition in partitions[topic]):
            member = keepers.get(here, "")
            above = sum(1 for n in count.values() if n > small)
            room = small + (1 if count[member] < small or above < larger else 0)
            if member in candidates and count[member] < room:
                count[member] += 1
                shares[member].append(here)
            else:
                free.append(here)
        for here in free:
            member = min(candidates, key=lambda name: (count[name], len(shares[name]), name))
            count[member] += 1
            shares[member].append(here)
    return shares


def _latest_holders(held: Mapping[str, _Held]) -> dict[TopicPartition, str]:
    """Of several members that say they hold a partition, the one with the newest generation is believed."""
    holders: dict[TopicPartition, str] = {}
    for member in sorted(held, key=lambda name: (held[name].generation, name)):
        for topic, partition in held[member].partitions:
            holders[TopicPartition(topic, partition)] = member
    return holders


def _held(user_data: bytes | None) -> _Held:
    try:
        return msgspec.msgpack.decode(user_data or b"", type=_Held)
    except msgspec.DecodeError:
        return _Held()


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in partitions:
        by_topic.setdefault(topic, []).append(partition)
    return by_topic
