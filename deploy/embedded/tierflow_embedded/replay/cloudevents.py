"""A file with one structured CloudEvent a line, checked only as far as sending and counting need it."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tierflow_embedded.replay.feed import Outgoing
from tierflow_shared.contracts.registry import BANK_REFERENCE, EVENT_TYPES

MAX_LINE_BYTES = 900_000


class LineError(Exception):
    """A line is not an event; the text says which."""


class _Head(msgspec.Struct):
    type: str


def read_events(path: Path) -> Iterator[Outgoing]:
    """The events of a file (`.gz` is unpacked), counted by type.

    Raises:
        LineError: a line is no JSON object with a `type`, or too long.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1):
            body = line.strip()
            if len(line) > MAX_LINE_BYTES:
                raise LineError(f"{path.name}, line {number}: longer than {MAX_LINE_BYTES:,} bytes")
            if not body:
                continue
            try:
                head = msgspec.json.decode(body, type=_Head)
            except msgspec.MsgspecError as error:
                raise LineError(f"{path.name}, line {number}: not a CloudEvent ({error})") from None
            yield Outgoing(head.type, body)


def is_reference(event: Outgoing) -> bool:
    """Products and relationship managers must be known before anything refers to them."""
    kind = EVENT_TYPES.get(event.counted_as)
    return kind is not None and kind.topic == BANK_REFERENCE
