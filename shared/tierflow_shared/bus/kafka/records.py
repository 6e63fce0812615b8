"""From the client library's records to ours: the hot path of reading."""

from collections.abc import Iterable
from typing import Any

from tierflow_shared.bus.port import Record

_type_names: dict[bytes, str] = {}
_MAX_TYPE_NAMES = 4096
_new = tuple.__new__


def to_records(topic: str, partition: int, found: Iterable[Any], types: frozenset[str] | None) -> list[Record]:
    """The records of one partition whose type is wanted (`types` None: all of them)."""
    records: list[Record] = []
    add, known = records.append, _type_names
    for one in found:
        headers = one.headers
        event_type = ""
        for name, value in headers:
            if name == "ce_type":
                event_type = known.get(value) or _learn(value)
                break
        if types is not None and event_type not in types:
            continue
        key = one.key
        add(
            _new(
                Record,
                (
                    topic,
                    partition,
                    one.offset,
                    one.timestamp,
                    key.decode("utf-8", "replace") if key else "",
                    event_type,
                    headers,
                    one.value or b"",
                ),
            )
        )
    return records


def _learn(value: bytes | None) -> str:
    if value is None:
        return ""
    if len(_type_names) >= _MAX_TYPE_NAMES:
        _type_names.clear()
    return _type_names.setdefault(value, value.decode("utf-8", "replace"))
