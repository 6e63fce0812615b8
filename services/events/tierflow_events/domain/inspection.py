"""What a message is made of: the names of its fields and what kind of value they hold, never a value."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

MOST_FIELDS: Final = 200
UNKNOWN_NAME: Final = "(unknown field)"
_KINDS: Final = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null"}


class FieldKind(NamedTuple):
    """A field by its path ("data.amount.value", "data.parts[].name") and the kind of its value."""

    name: str
    kind: str


def field_kinds(value: bytes, known: frozenset[str]) -> list[FieldKind]:
    """The fields of a JSON value, each path once, at most 200. A name that is not among `known` is hidden as well.

    Raises:
        ValueError: not JSON.
    """
    try:
        content = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    return list(dict.fromkeys(_walk(content, "data", known)))[:MOST_FIELDS]


def shown_path(path: str, known: frozenset[str]) -> str:
    """The path of a field of the data or the envelope, without names that are not among `known`."""
    if not path.startswith("data."):
        return path
    shown: list[str] = []
    for name in path.removeprefix("data.").split("."):
        if name not in known and not name.isdecimal():
            return ".".join(("data", *shown, UNKNOWN_NAME))
        shown.append(name)
    return ".".join(("data", *shown))


def _walk(content: Any, path: str, known: frozenset[str]) -> Iterator[FieldKind]:
    if isinstance(content, dict):
        for name, inner in content.items():
            yield from _walk(inner, f"{path}.{name if name in known else UNKNOWN_NAME}", known)
    elif isinstance(content, list):
        for inner in content:
            yield from _walk(inner, f"{path}[]", known)
    else:
        yield FieldKind(path, _KINDS[type(content)])


def merged(content: Any, changes: Any) -> Any:
    """`content` with a JSON merge patch (RFC 7396): a null takes a member away, an object changes inside."""
    if not isinstance(changes, dict):
        return changes
    result = dict(content) if isinstance(content, dict) else {}
    for name, change in changes.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change)
    return result
