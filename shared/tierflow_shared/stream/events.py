"""From a record of the log to a typed event, or to words that say why not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from tierflow_shared.bus.port import Record
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import EVENT_TYPES
from tierflow_shared.ids import derived_id


class RefusedError(Exception):
    """This message can never be taken as it is: it becomes a dead letter, the rest of the batch goes on."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


Refused = RefusedError


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded record. `data` is an instance of the struct that the register names for `type`."""

    record: Record
    id: str
    source: str
    time: datetime
    data: Data

    @property
    def type(self) -> str:
        return self.record.type

    @property
    def traceparent(self) -> str:
        return self.record.header("traceparent")

    @property
    def version(self) -> tuple[str, str, str]:
        """Orders events about one thing: by the producer's time, then by source and id. Newest wins."""
        return (self.time.isoformat(timespec="microseconds"), self.source, self.id)


_DECODERS: Final = {name: msgspec.json.Decoder(event.data) for name, event in EVENT_TYPES.items()}


@lru_cache(maxsize=4096)
def parse_time(text: str) -> datetime:
    """RFC 3339 text to a moment in UTC.

    Raises:
        ValueError: not a date-time, or without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return moment.astimezone(UTC)


def event_time_ms(record: Record) -> int | None:
    """When the producer says that it happened, in milliseconds since 1970; None where it does not say it rightly."""
    try:
        return int(parse_time(record.header("ce_time")).timestamp() * 1000)
    except ValueError:
        return None


def decode(record: Record) -> Event:
    """Reads attributes and data of a record.

    Raises:
        RefusedError: unknown type, bad attribute, or data that does not fit the type's schema.
    """
    decoder = _DECODERS.get(record.type)
    if decoder is None:
        raise RefusedError("unknown-type", record.type)
    headers = dict(record.headers)
    try:
        event_id, source = headers["ce_id"].decode(), headers["ce_source"].decode()
        time = parse_time(headers["ce_time"].decode())
    except (KeyError, ValueError) as error:
        raise RefusedError("bad-attribute", str(error)) from None
    try:
        data = decoder.decode(record.value)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError("bad-data", _without_input(str(error))) from None
    return Event(record, event_id, source, time, data)


def _without_input(text: str) -> str:
    """The library repeats a wrong value in quotes; field names stand in backquotes and stay."""
    return re.sub(r"'[^']*'", "…", text)


def caused_id(service: str, record: Record, n: int | str) -> str:
    """The id of the n-th message that a service makes of a record: the same after every repetition.

    A name in place of a number is for messages that are not always made in the same order.
    """
    return derived_id("ev", service, record.topic, record.partition, record.offset, n)
