"""W3C trace context as it travels: the header `traceparent` of requests and of messages."""

import re
from collections.abc import Iterable
from typing import Final

Header = tuple[str, bytes]
TRACEPARENT: Final = "traceparent"
_FORM: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED: Final = frozenset("13579bdf")


def valid(value: bytes) -> str:
    """The text of a well-formed `traceparent`, "" for anything else."""
    return value.decode() if _FORM.fullmatch(value) else ""


def trace_of(traceparent: str) -> str:
    """The trace id (32 hexadecimal digits) of a valid text; "" of ""."""
    return traceparent[3:35]


def is_sampled(traceparent: str) -> bool:
    """True when whoever began the trace wants its spans."""
    return traceparent[-1:] in _SAMPLED


def carried(headers: Iterable[Header]) -> str:
    """The valid `traceparent` of a message, "" without one."""
    for name, value in headers:
        if name == TRACEPARENT:
            return valid(value) if value else ""
    return ""


def carrying(headers: Iterable[Header], traceparent: str) -> tuple[Header, ...]:
    """The headers with another `traceparent` in place of theirs."""
    text = traceparent.encode()
    return tuple((name, text if name == TRACEPARENT else value) for name, value in headers)
