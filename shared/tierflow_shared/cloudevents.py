"""CloudEvents 1.0 on the bus: binary mode, attributes as `ce_` headers, data as the value byte for byte."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from tierflow_shared.bus.port import Message
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import EVENT_TYPES, TYPE_OF_DATA

Header = tuple[str, bytes]

_SPECVERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")
_TYPE_HEADERS: Final[Mapping[str, Header]] = {name: ("ce_type", name.encode()) for name in EVENT_TYPES}
_encode: Final = msgspec.json.Encoder().encode


@lru_cache(maxsize=1024)
def _source_header(source: str) -> Header:
    return ("ce_source", source.encode())


def headers_of(
    *, event_id: str, source: str, event_type: str, time: str, traceparent: str = "", extra: tuple[Header, ...] = ()
) -> tuple[Header, ...]:
    """The headers of one event of a registered type; `time` is RFC 3339 text. `extra` are optional attributes."""
    headers: tuple[Header, ...] = (
        _SPECVERSION,
        ("ce_id", event_id.encode()),
        _source_header(source),
        _TYPE_HEADERS[event_type],
        ("ce_time", time.encode()),
        _JSON,
    )
    if traceparent:
        headers = (*headers, ("traceparent", traceparent.encode()))
    return headers + extra if extra else headers


@lru_cache(maxsize=64)
def time_text(moment: datetime) -> str:
    """A moment as RFC 3339 text in UTC, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def outgoing_message(data: Data, *, event_id: str, service: str, now: datetime, traceparent: str = "") -> Message:
    """One of Tierflow's own events, ready for the outbox: topic and key come from the register of events."""
    event_type = TYPE_OF_DATA[type(data)]
    headers = headers_of(
        event_id=event_id,
        source=f"/tierflow/{service}",
        event_type=event_type.name,
        time=time_text(now),
        traceparent=traceparent,
    )
    return Message(event_type.topic, str(getattr(data, event_type.key_field)), _encode(data), headers)
