"""A small bank that says things: events with their time and id, and the records they become in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from tierflow_shared.bus.port import Record
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import BANK_EVENTS, TYPE_OF_DATA

DAY_0 = date(2024, 1, 10)


@dataclass(frozen=True)
class Said:
    """An event: its data, the producer's time, its id."""

    data: Data
    time: datetime
    id: str

    @property
    def customer_id(self) -> str:
        """Whom it is about; for what is about nobody, the key it travels under."""
        return str(getattr(self.data, TYPE_OF_DATA[type(self.data)].key_field))


def on(day: int) -> date:
    """The date of a day of the story."""
    return DAY_0 + timedelta(days=day)


def moment(day: int) -> datetime:
    """Noon of a day of the story."""
    at = on(day)
    return datetime(at.year, at.month, at.day, 12, tzinfo=UTC)


def records(said: Sequence[Said], partitions: int = 1) -> list[Record]:
    """The log, one offset after the other in each partition; customers lie by the sum of their letters."""
    offsets = [0] * partitions
    result = []
    for event in said:
        kind = TYPE_OF_DATA[type(event.data)]
        key = event.customer_id
        partition = sum(key.encode()) % partitions
        headers = headers_of(event_id=event.id, source="/core", event_type=kind.name, time=event.time.isoformat())
        value = msgspec.json.encode(event.data)
        timestamp_ms = int(moment(600).timestamp() * 1000)
        offset = offsets[partition]
        result.append(Record(BANK_EVENTS, partition, offset, timestamp_ms, key, kind.name, headers, value))
        offsets[partition] += 1
    return result
