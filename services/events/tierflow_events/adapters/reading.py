"""From the bytes of a request to events: typed, checked, ready for the log. The hot path of the service."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Raw as RawJson

from tierflow_events.adapters.envelope import MALFORMED, Envelope, fault_of
from tierflow_events.domain.arrivals import NotJsonError, Raw, TooManyEventsError, Unreadable, Unsealed
from tierflow_events.domain.faults import Fault
from tierflow_events.domain.placing import Candidate
from tierflow_events.domain.rules import data_fault, time_fault
from tierflow_shared.cloudevents import Header, headers_of
from tierflow_shared.contracts.personal import is_personal
from tierflow_shared.contracts.registry import EVENT_TYPES, INBOUND_TYPES
from tierflow_shared.ids import content_hash, identity_hash

_ONE: Final = msgspec.json.Decoder(Envelope)
_MANY: Final = msgspec.json.Decoder(list[Envelope])
_PIECES: Final = msgspec.json.Decoder(list[RawJson])
_ANY_OBJECT: Final = msgspec.json.Decoder(dict[str, RawJson])
_INBOUND: Final = {
    name: (msgspec.json.Decoder(EVENT_TYPES[name].data).decode, EVENT_TYPES[name].topic, EVENT_TYPES[name].key_field)
    for name in INBOUND_TYPES
}


class Reader:
    """Reads events as they were at one moment: `now` decides what lies in the future."""

    def __init__(self, *, now: datetime, allowed_ahead: timedelta, max_depth: int, traceparent: str = "") -> None:
        self._now, self._today = now, now.date()
        self._allowed_ahead, self._max_depth, self._traceparent = allowed_ahead, max_depth, traceparent

    def batch(self, body: bytes, max_events: int) -> list[Raw]:
        """The events of a JSON array. One bad event does not spoil the others.

        Raises:
            NotJsonError: the body is not a JSON array.
            TooManyEventsError: more than `max_events`.
        """
        try:
            envelopes: Sequence[Envelope] = _MANY.decode(body)
        except MALFORMED:
            return self._one_by_one(body, max_events)
        if len(envelopes) > max_events:
            raise TooManyEventsError
        return [self._candidate(envelope) for envelope in envelopes]

    def _one_by_one(self, body: bytes, max_events: int) -> list[Raw]:
        try:
            pieces = _PIECES.decode(body)
        except MALFORMED as error:
            raise NotJsonError(fault_of(error, body, "body", self._max_depth)) from None
        if len(pieces) > max_events:
            raise TooManyEventsError
        return [self.single(bytes(piece)) for piece in pieces]

    def single(self, body: bytes) -> Raw:
        """The event of a JSON object with all attributes."""
        try:
            envelope = _ONE.decode(body)
        except MALFORMED as error:
            return Unreadable(_id_in(body), fault_of(error, body, "", self._max_depth))
        return self._candidate(envelope)

    def binary(self, attributes: Mapping[str, str], body: bytes) -> Raw:
        """The event whose attributes came as `ce-` headers and whose data is the body."""
        try:
            envelope = msgspec.convert({**attributes, "data": RawJson(body)}, Envelope)
        except MALFORMED as error:
            return Unreadable(attributes.get("id", "")[:128], fault_of(error, b"", "", self._max_depth))
        return self._candidate(envelope)

    def _candidate(self, envelope: Envelope) -> Raw:
        fault = self._envelope_fault(envelope)
        if fault is not None:
            return Unreadable(envelope.id, fault)
        decode, topic, key_field = _INBOUND[envelope.type]
        value = bytes(envelope.data)
        try:
            data = decode(value)
        except MALFORMED as error:
            return Unreadable(envelope.id, fault_of(error, value, "data", self._max_depth))
        fault = data_fault(data, self._today)
        if fault is not None:
            return Unreadable(envelope.id, fault)
        if getattr(data, "sealed", None) is not None:
            return Unreadable(envelope.id, _SEALED_BY_SENDER)
        key: str = getattr(data, key_field)
        unsealed = is_personal(data)
        candidate = Candidate(
            envelope.id,
            envelope.source,
            envelope.type,
            identity_hash(envelope.source, envelope.id),
            b"" if unsealed else content_hash(envelope.type, value),
            topic,
            key,
            b"" if unsealed else value,
            self._headers(envelope, key),
        )
        return Unsealed(candidate, data) if unsealed else candidate

    def _envelope_fault(self, envelope: Envelope) -> Fault | None:
        if envelope.specversion != "1.0":
            return Fault("specversion", "specversion", "must be 1.0")
        if envelope.type not in INBOUND_TYPES:
            known = envelope.type in EVENT_TYPES
            return Fault("type", "inbound" if known else "known-type", _TYPE_MESSAGES[known])
        if envelope.datacontenttype != "application/json" and not _is_json(envelope.datacontenttype):
            return Fault("datacontenttype", "content-type", "data must be application/json")
        return time_fault(envelope.time, self._now, self._allowed_ahead)

    def _headers(self, envelope: Envelope, key: str) -> tuple[Header, ...]:
        time = envelope.time if envelope.time.tzinfo is UTC else envelope.time.astimezone(UTC)
        return headers_of(
            event_id=envelope.id,
            source=envelope.source,
            event_type=envelope.type,
            time=time.isoformat()[:-6] + "Z",
            traceparent=envelope.traceparent or self._traceparent,
            extra=_optional(envelope, key),
        )


_SEALED_BY_SENDER: Final = Fault(
    "data.sealed", "reserved", "Tierflow seals personal fields itself; send them as they are"
)
_TYPE_MESSAGES: Final = {
    True: "Tierflow itself says this, nobody else may send it",
    False: "not a type of the register (GET /events/v1/schemas)",
}


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _optional(envelope: Envelope, key: str) -> tuple[Header, ...]:
    """A subject that is not the event's key may name anybody in any words: it stays outside."""
    if not (envelope.subject or envelope.dataschema or envelope.tracestate):
        return ()
    pairs = (
        ("ce_subject", envelope.subject if envelope.subject == key else ""),
        ("ce_dataschema", envelope.dataschema),
        ("tracestate", envelope.tracestate),
    )
    return tuple((name, value.encode()) for name, value in pairs if value)


def _id_in(body: bytes) -> str:
    """The id of an event that cannot be read as a whole, if that much can be read; "" otherwise."""
    try:
        return msgspec.json.decode(_ANY_OBJECT.decode(body)["id"], type=str)[:128]
    except (*MALFORMED, KeyError):
        return ""
