"""CloudEvents as they come over HTTP: the envelope with its limits, and errors of the JSON reader put into words."""

import re
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

from tierflow_events.domain.faults import Fault
from tierflow_shared.web.json_text import json_fault
from tierflow_shared.web.problems import shown_name

# Visible ASCII: ids and sources travel in headers, URLs and log lines. Python's `$` also matches before a last
# line break, so a look-ahead shuts that door; other engines read the pattern alike.
EventId = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}$(?!\n)", description="unique within its source")]
Source = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,200}$(?!\n)", description="URI reference of the producer")]
TypeName = Annotated[str, Meta(pattern=r"^[a-z0-9.-]{1,100}$(?!\n)", description="a type of GET /events/v1/schemas")]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 date-time with offset: when it happened")]
Optional = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{0,256}$(?!\n)")]
TraceParent = Annotated[str, Meta(pattern=r"^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?$(?!\n)")]
TraceState = Annotated[str, Meta(pattern=r"^[\x20-\x7e]{0,512}$(?!\n)")]


class Envelope(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The attributes of CloudEvents 1.0 that we take; any other attribute is refused by its name."""

    specversion: str
    id: EventId
    source: Source
    type: TypeName
    time: Moment
    data: Raw
    datacontenttype: str = "application/json"
    subject: Optional = ""
    dataschema: Optional = ""
    traceparent: TraceParent = ""
    tracestate: TraceState = ""


_FIELD_PATH: Final = re.compile(r" - at `\$(.*)`$")
_NAMED_FIELD: Final = re.compile(r"field `([^`]{1,64})")
# The JSON reader's sentences, by how they begin, and the rule that each of them means.
_RULES: Final = (
    ("Object missing required field", "required", "this field is required"),
    ("Object contains unknown field", "unknown-field", "this field is not known here"),
    ("Invalid enum value", "enum", "not one of the allowed values"),
    ("Invalid RFC3339", "date", "must be a date or a date-time as in RFC 3339"),
    ("Expected `datetime` with a timezone", "offset", "a time needs an offset from UTC"),
    ("Number out of range", "number-range", "the number is out of range"),
)
MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def fault_of(error: Exception, raw: bytes, at: str, max_depth: int) -> Fault:
    """What the JSON reader did not like about `raw`, which stands at the path `at` ("", "data").

    The input is never repeated, except the name of an unknown field.
    """
    hidden = json_fault(raw, max_depth)
    if hidden is not None:
        return Fault(_join(at, hidden.field) or "event", hidden.rule, hidden.message)
    if isinstance(error, UnicodeDecodeError):
        return Fault(at or "event", "utf-8", "text must be UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        return Fault(at or "event", "json", "not valid JSON (RFC 8259)")
    text = str(error)
    path = _FIELD_PATH.search(text)
    field = _join(at, path.group(1).replace("[", ".").replace("]", "").lstrip(".") if path else "")
    sentence = text[: path.start()] if path else text
    for beginning, rule, message in _RULES:
        if sentence.startswith(beginning):
            named = _NAMED_FIELD.search(sentence)
            return Fault(_join(field, shown_name(named.group(1)) if named else ""), rule, message)
    return Fault(field or "event", _expectation(sentence), sentence)


def _expectation(sentence: str) -> str:
    if "matching regex" in sentence:
        return "pattern"
    if "of length" in sentence:
        return "length"
    return "range" if ">=" in sentence or "<=" in sentence else "type"


def _join(at: str, field: str) -> str:
    return f"{at}.{field}" if at and field else at or field
