"""What can be said about a dead letter without saying what is in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tierflow_events.domain.arrivals import Unreadable
from tierflow_events.domain.faults import Fault
from tierflow_events.domain.inspection import FieldKind, field_kinds, shown_path
from tierflow_events.domain.letters import Letter, Outcome, outcome_of
from tierflow_events.handlers.original import NotReplayableError, original_of, plain_value
from tierflow_events.ports import EventReader, Letters
from tierflow_shared.bus.port import Bus, BusUnavailableError, Record, TopicPartition
from tierflow_shared.contracts.registry import EVENT_TYPES, INBOUND_TYPES
from tierflow_shared.generate.schemas import event_schema

OnLog = Literal["on-log", "gone", "never", "unknown"]


class Content(NamedTuple):
    """Whether the message is on the log, the names of its fields, and the rule of its schema that it breaks."""

    state: OnLog
    fields: Sequence[FieldKind]
    fault: Fault | None


class Fate(NamedTuple):
    """What became of a replayed letter, and the letter as which it failed again."""

    outcome: Outcome | None
    failed_as: str | None


class Inspector:
    """Looks at letters, never at values."""

    def __init__(self, letters: Letters, bus: Bus, open_reader: Callable[[datetime], EventReader]) -> None:
        self._letters, self._bus, self._open_reader = letters, bus, open_reader

    async def content(self, letter: Letter, now: datetime) -> Content:
        """The names of the fields and the broken rule, as far as the log can tell now."""
        try:
            record = await original_of(letter, self._bus)
        except NotReplayableError:
            return Content("gone" if letter.can_be_replayed else "never", (), None)
        except BusUnavailableError:
            return Content("unknown", (), None)
        try:
            fields = field_kinds(record.value, _field_names(letter.event_type))
        except ValueError:
            return Content("on-log", (), Fault("data", "json", "not valid JSON (RFC 8259)"))
        return Content("on-log", fields, self._fault(letter, record, now))

    def _fault(self, letter: Letter, record: Record, now: datetime) -> Fault | None:
        if letter.event_type not in INBOUND_TYPES:
            return None
        attributes = {name: record.header(f"ce_{name}") for name in ("specversion", "id", "source", "type", "time")}
        arrival = self._open_reader(now).binary(attributes, plain_value(record.value))
        if not isinstance(arrival, Unreadable):
            return None
        return arrival.fault._replace(field=shown_path(arrival.fault.field, _field_names(letter.event_type)))

    async def fates(self, letters: Sequence[Letter]) -> Mapping[str, Fate]:
        """What became of each letter, by its id; "waiting" while it cannot be known."""
        handled = [letter for letter in letters if letter.replay is not None]
        failed = await self._letters.failed_again([letter.id for letter in handled])
        positions = {service: await self._positions(service) for service in {letter.service for letter in handled}}
        return {
            letter.id: Fate(
                outcome_of(letter, _position(letter, positions.get(letter.service, {})), letter.id in failed),
                failed.get(letter.id),
            )
            for letter in letters
        }

    async def _positions(self, service: str) -> Mapping[TopicPartition, int]:
        try:
            return await self._bus.mirrored(service)
        except BusUnavailableError:
            return {}


def _position(letter: Letter, positions: Mapping[TopicPartition, int]) -> int | None:
    if letter.replay is None or letter.replay.place is None:
        return None
    topic, partition, _ = letter.replay.place
    return positions.get(TopicPartition(topic, partition))


@lru_cache(maxsize=64)
def _field_names(event_type: str) -> frozenset[str]:
    """All names that the type's schema knows; none for an unknown type."""
    known = EVENT_TYPES.get(event_type)
    return frozenset(_names(event_schema(known))) if known else frozenset()


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for inner in schema.values():
            yield from _names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _names(inner)
