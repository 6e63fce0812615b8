"""What the log holds about one customer, for the access report. A slow, rare walk through one partition."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tierflow_events.ports import EventVault
from tierflow_shared.bus.partitioning import partition_of
from tierflow_shared.bus.port import Bus, Record, RetentionGapError, TopicPartition
from tierflow_shared.contracts.registry import BANK_EVENTS, EVENT_TYPES
from tierflow_shared.privacy.vault import NotOpenedError
from tierflow_shared.stream.events import Event, RefusedError, decode

ERASED: Final = "(erased)"
NOT_OPENED: Final = "(cannot be opened)"
_AT_ONCE: Final = 5_000


class Logged(NamedTuple):
    """One event of the customer."""

    offset: int
    id: str
    source: str
    type: str
    time: str
    data: dict[str, Any]


class Found(NamedTuple):
    """The customer's events of one page; `next_offset` is None at the end of the log."""

    partition: int
    events: Sequence[Logged]
    next_offset: int | None


class PersonalLog:
    """Reads at most `most` records a page."""

    def __init__(self, bus: Bus, vault: EventVault, *, most: int = 100_000) -> None:
        self._bus, self._vault, self._most = bus, vault, most

    async def events_of(self, customer_id: str, from_offset: int) -> Found:
        """The customer's events from an offset on.

        Raises:
            BusUnavailableError, DependencyError: the log or the keys cannot be read now.
        """
        partition = partition_of(customer_id, await self._bus.partitions(BANK_EVENTS))
        here = TopicPartition(BANK_EVENTS, partition)
        end, offset = await self._bus.high_watermark(here), max(from_offset, await self._bus.earliest(here))
        last, events = offset + self._most, list[Event]()
        while offset < min(end, last):
            try:
                records = await self._bus.fetch(here, offset, _AT_ONCE)
            except RetentionGapError as gap:
                offset = gap.earliest
                continue
            if not records:
                break
            offset = records[-1].offset + 1
            events += [event for record in records if (event := _of(record, customer_id)) is not None]
        opened = await asyncio.to_thread(self._vault.open_events, [event.data for event in events])
        logged = [_logged(event, clear) for event, clear in zip(events, opened, strict=True)]
        return Found(partition, logged, offset if offset < end else None)


def _of(record: Record, customer_id: str) -> Event | None:
    if record.key != customer_id or record.type not in EVENT_TYPES:
        return None
    try:
        return decode(record)
    except RefusedError:
        return None


def _logged(event: Event, opened: object) -> Logged:
    lost = isinstance(opened, NotOpenedError)
    data: dict[str, Any] = msgspec.to_builtins(event.data if lost else opened)
    data.pop("sealed", None)
    for path in getattr(event.data, "sealed", None) or {}:
        _fill(data, path, NOT_OPENED if lost else ERASED)
    return Logged(event.record.offset, event.id, event.source, event.type, event.record.header("ce_time"), data)


def _fill(data: dict[str, Any], path: str, word: str) -> None:
    head, _, rest = path.partition(".")
    if rest:
        data.setdefault(head, {}).setdefault(rest, word)
    else:
        data.setdefault(head, word)
