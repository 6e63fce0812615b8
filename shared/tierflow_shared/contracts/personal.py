"""Which fields of the events say something about a person, and an event's data with and without them. Pure."""

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from msgspec import Meta
from msgspec.structs import replace

from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import EVENT_TYPES

DATA_CLASSES: Final = frozenset({"personal", "coded", "technical"})
# A bank's code or BIC names a bank; anything longer or with other characters may name a person.
_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,11}\Z")


def fields_of(struct: type[Data]) -> Iterator[tuple[str, Any, str]]:
    """Path, plain type and class ("" if none is written at it) of each field, also of the structs inside."""
    for name, hint in typing.get_type_hints(struct, include_extras=True).items():
        plain, data_class = _plain(hint)
        if isinstance(plain, type) and issubclass(plain, Data):
            for inner, inner_type, inner_class in fields_of(plain):
                yield f"{name}.{inner}", inner_type, inner_class
        else:
            yield name, plain, data_class


def _plain(hint: Any) -> tuple[Any, str]:
    """The type inside `X | None`, `tuple[X, ...]` and `Annotated`, and the class that stands there."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *notes = typing.get_args(hint)
        found = [note.extra["data"] for note in notes if isinstance(note, Meta) and note.extra and "data" in note.extra]
        plain, data_class = _plain(inner)
        return plain, found[0] if found else data_class
    arguments = [argument for argument in typing.get_args(hint) if argument not in (type(None), Ellipsis)]
    is_wrapper = typing.get_origin(hint) in (types.UnionType, typing.Union, tuple) and len(arguments) == 1
    return _plain(arguments[0]) if is_wrapper else (hint, "")


def _paths(struct: type[Data]) -> dict[str, tuple[type, str]]:
    found = {path: (kind, group) for path, kind, group in fields_of(struct) if group in ("personal", "coded")}
    assert all(kind in (str, date) and path.count(".") <= 1 for path, (kind, _) in found.items()), struct.__name__
    return found


_FIELDS: Final = {event.data: _paths(event.data) for event in EVENT_TYPES.values() if _paths(event.data)}
SEALABLE: Final[frozenset[type[Data]]] = frozenset(_FIELDS)
"""Data with personal fields; each of them has the field `sealed`."""
assert all("sealed" in data.__struct_fields__ for data in SEALABLE), "data with personal fields need `sealed`"


def personal_paths(struct: type[Data]) -> frozenset[str]:
    """The paths of the fields that may be sealed: "personal.name", "region"."""
    return frozenset(_FIELDS.get(struct, ()))


def personal_texts(data: Data) -> dict[str, str]:
    """The personal fields that say something, by path, as text (dates in ISO 8601)."""
    fields = _FIELDS.get(type(data))
    if fields is None:
        return {}
    found: dict[str, str] = {}
    for path, (_, group) in fields.items():
        value = _value(data, path)
        if value is None or (group == "coded" and _CODE.match(value)):
            continue
        found[path] = value if isinstance(value, str) else value.isoformat()
    return found


def is_personal(data: Data) -> bool:
    """Whether a personal field says something. Cheap: asked for each event that comes in."""
    check = _CHECKS.get(type(data))
    return check is not None and check(data)


def _check_of(fields: Mapping[str, tuple[type, str]]) -> Callable[[Any], bool]:
    if len(fields) == 1 and next(iter(fields.values()))[1] == "coded":
        (name,) = fields

        def coded(data: Any) -> bool:
            value = getattr(data, name)
            return value is not None and _CODE.match(value) is None

        return coded
    return lambda data: bool(personal_texts(data))


_CHECKS: Final = {data: _check_of(fields) for data, fields in _FIELDS.items()}


def with_sealed(data: Data, sealed: Mapping[str, str]) -> Data:
    """The data with these fields sealed and their clear values gone."""
    return _changed(data, dict.fromkeys(sealed), sealed=dict(sealed))


def with_opened(data: Data, texts: Mapping[str, str | None]) -> Data:
    """The data with the fields of these paths as given; None stays out (erased). Nothing is sealed any more."""
    fields = _FIELDS[type(data)]
    values = {path: _read(fields[path][0], text) for path, text in texts.items() if path in fields}
    return _changed(data, values, sealed=None)


def _read(kind: type, text: str | None) -> object:
    return date.fromisoformat(text) if kind is date and text is not None else text


def _value(data: Data, path: str) -> Any:
    head, _, rest = path.partition(".")
    value = getattr(data, head)
    return getattr(value, rest) if rest and value is not None else value


def _changed(data: Data, values: Mapping[str, object], *, sealed: dict[str, str] | None) -> Data:
    direct: dict[str, object] = {"sealed": sealed}
    inside: dict[str, dict[str, object]] = {}
    for path, value in values.items():
        head, _, rest = path.partition(".")
        if rest:
            inside.setdefault(head, {})[rest] = value
        else:
            direct[head] = value
    for head, changes in inside.items():
        struct = getattr(data, head)
        if struct is not None:
            direct[head] = replace(struct, **changes)
    return replace(data, **direct)
