"""From the client library's records to ours: the hot path of reading."""

from collections.abc import Callable, Iterable
from typing import Any

from tierflow_shared.bus.port import Record

Header = tuple[str, bytes]

_type_names: dict[bytes, str] = {}
_MAX_TYPE_NAMES = 4096
_new = tuple.__new__


def record_maker(topic: str, partition: int) -> Callable[[Any, Any], Record]:
    """A function (library's partition, library's record) -> `Record` for the records of one partition, in order.

    Most headers of a message are those of the message before it. Equal ones are kept once, so that a batch does not
    fill the memory, and the collector's lists, with thousands of copies.
    """
    last: tuple[Header, ...] = ()
    known = _type_names

    def make(_: Any, one: Any) -> Record:
        nonlocal last
        headers = one.headers
        if len(headers) == len(last):
            last = tuple([old if old == new else new for old, new in zip(last, headers, strict=False)])
        else:
            last = tuple(headers)
        event_type = ""
        for name, value in last:
            if name == "ce_type":
                event_type = known.get(value) or _learn(value)
                break
        key = one.key
        return _new(
            Record,
            (
                topic,
                partition,
                one.offset,
                one.timestamp,
                key.decode("utf-8", "replace") if key else "",
                event_type,
                last,
                one.value or b"",
            ),
        )

    return make


def to_records(topic: str, partition: int, found: Iterable[Any]) -> list[Record]:
    """The library's consumer records of one partition as ours."""
    make = record_maker(topic, partition)
    return [make(None, one) for one in found]


def _learn(value: bytes | None) -> str:
    if value is None:
        return ""
    if len(_type_names) >= _MAX_TYPE_NAMES:
        _type_names.clear()
    return _type_names.setdefault(value, value.decode("utf-8", "replace"))
