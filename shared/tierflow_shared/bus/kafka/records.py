"""From the client library's records to ours: the hot path of reading."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from tierflow_shared.bus.port import Record

Header = tuple[str, bytes]

_type_names: dict[bytes, str] = {}
_MAX_TYPE_NAMES = 4096
_OWN = frozenset({"ce_id", "ce_time", "traceparent"})
_new = tuple.__new__


class _Layout:
    """The headers of a message: most likely those of the next, but for the values that differ in every message."""

    def __init__(self, headers: Sequence[Header]) -> None:
        self.last = list(headers)
        own = [place for place, (name, _) in enumerate(headers) if name in _OWN]
        self._own = [(place, headers[place][0]) for place in own]
        self._shared = [place for place in range(len(headers)) if place not in own]
        self._pick = itemgetter(*self._shared) if len(self._shared) > 1 else None
        self._picked = self._pick(headers) if self._pick else None
        event_type = next((value for name, value in headers if name == "ce_type"), None)
        self.event_type = "" if event_type is None else _type_names.get(event_type) or _learn(event_type)

    def shared(self, headers: Sequence[Header]) -> tuple[Header, ...] | None:
        """The headers with what they share with those before; None if they are other headers."""
        last = self.last
        if self._pick is None or len(headers) != len(last) or self._pick(headers) != self._picked:
            return None
        for place, name in self._own:
            own = headers[place]
            if own != last[place]:
                if own[0] != name:
                    return None
                last[place] = own
        return tuple(last)


def record_maker(topic: str, partition: int) -> Callable[[Any, Any], Record]:
    """A function (library's partition, library's record) -> `Record` for the records of one partition, in order.

    Most headers of a message are those of the message before it. Equal ones are kept once, so that a batch does not
    fill the memory, and the collector's lists, with thousands of copies.
    """
    layout = _Layout(())

    def make(_: Any, one: Any) -> Record:
        nonlocal layout
        headers = layout.shared(one.headers)
        if headers is None:
            headers = tuple(one.headers)
            layout = _Layout(headers)
        key = one.key
        return _new(
            Record,
            (
                topic,
                partition,
                one.offset,
                one.timestamp,
                key.decode("utf-8", "replace") if key else "",
                layout.event_type,
                headers,
                one.value or b"",
            ),
        )

    return make


def to_records(topic: str, partition: int, found: Iterable[Any]) -> list[Record]:
    """The library's consumer records of one partition as ours."""
    make = record_maker(topic, partition)
    return [make(None, one) for one in found]


def _learn(value: bytes) -> str:
    if len(_type_names) >= _MAX_TYPE_NAMES:
        _type_names.clear()
    return _type_names.setdefault(value, value.decode("utf-8", "replace"))
