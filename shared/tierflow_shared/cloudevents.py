"""CloudEvents 1.0 on the bus: binary mode, attributes as `ce_` headers, data as the value byte for byte."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from tierflow_shared.bus.port import Message
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import TYPE_OF_DATA

_SPECVERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode


def headers_of(
    *, event_id: str, source: str, event_type: str, time: str, traceparent: str = ""
) -> tuple[tuple[str, bytes], ...]:
    """The headers of one event; `time` is RFC 3339 text as the producer wrote it."""
    headers = (
        _SPECVERSION,
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
        ("ce_time", time.encode()),
        _JSON,
    )
    return (*headers, ("traceparent", traceparent.encode())) if traceparent else headers


def outgoing_message(data: Data, *, event_id: str, service: str, now: datetime, traceparent: str = "") -> Message:
    """One of Tierflow's own events, ready for the outbox: topic and key come from the register of events."""
    event_type = TYPE_OF_DATA[type(data)]
    headers = headers_of(
        event_id=event_id,
        source=f"/tierflow/{service}",
        event_type=event_type.name,
        time=now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        traceparent=traceparent,
    )
    return Message(event_type.topic, str(getattr(data, event_type.key_field)), _encode(data), headers)
