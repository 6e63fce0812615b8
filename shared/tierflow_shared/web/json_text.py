"""JSON bodies read strictly: bounded depth, no NaN, no endless numbers, no NUL, and errors that name the field."""

import json
import re
from typing import Any, Final, NamedTuple

from pydantic_core import PydanticCustomError

from tierflow_shared.web.problems import shown_name

MAX_INTEGER: Final = 2**63 - 1
# What can hide something forbidden. Only a body that matches is looked through slowly, to name the exact field.
_SUSPICIOUS: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|[0-9]{19}|[eE][+-]?[0-9]{3}|NaN|Infinity")
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


class JsonFault(NamedTuple):
    """What is wrong with a JSON text: the field ("amount.value", "" for the whole), the rule, and words."""

    field: str
    rule: str
    message: str


class JsonText:
    """A body as sent, on its way to the model that reads it."""

    __slots__ = ("max_depth", "raw")

    def __init__(self, raw: bytes, max_depth: int) -> None:
        self.raw, self.max_depth = raw, max_depth

    def checked(self) -> bytes:
        """The bytes, if nothing about them is forbidden for every model.

        Raises:
            PydanticCustomError: with the rule that is broken; the field is named in its context.
        """
        found = json_fault(self.raw, self.max_depth)
        if found is not None:
            raise PydanticCustomError(found.rule, "{message}", {"message": found.message, "field": found.field})
        return self.raw


def json_fault(raw: bytes, max_depth: int) -> JsonFault | None:
    """The first thing that is forbidden whatever the model; None for nearly every body, after a quick look."""
    if _depth_exceeds(raw, max_depth):
        return JsonFault("", "depth", f"nested deeper than {max_depth} levels")
    return _hidden_fault(raw) if _SUSPICIOUS.search(raw) else None


def _depth_exceeds(raw: bytes, max_depth: int) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return False
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > max_depth:
            return True
    return False


class _Refused(NamedTuple):
    rule: str
    message: str


def _integer(text: str) -> int | _Refused:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        return _Refused("number-range", "a whole number must fit into 64 bits")
    return int(text)


def _decimal(text: str) -> float | _Refused:
    value = float(text)
    return _Refused("finite-number", "a number must be finite") if value in (float("inf"), float("-inf")) else value


def _constant(_text: str) -> _Refused:
    return _Refused("finite-number", "NaN and Infinity are not JSON")


def _hidden_fault(raw: bytes) -> JsonFault | None:
    try:
        document = json.loads(raw, parse_int=_integer, parse_float=_decimal, parse_constant=_constant)
    except (ValueError, RecursionError):
        return None  # the model's own reader says what is wrong with the text
    return _search(document, "")


def _search(node: Any, path: str) -> JsonFault | None:
    if isinstance(node, _Refused):
        return JsonFault(path, node.rule, node.message)
    if isinstance(node, str):
        return _text_fault(node, path)
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        shown = shown_name(name)
        found = _text_fault(str(name), path) or _search(child, f"{path}.{shown}" if path else shown)
        if found is not None:
            return found
    return None


def _text_fault(text: str, path: str) -> JsonFault | None:
    if "\x00" in text:
        return JsonFault(path, "no-nul", "text must not contain NUL")
    if any("\ud800" <= character <= "\udfff" for character in text):
        return JsonFault(path, "surrogate", "text must not contain half of a surrogate pair")
    return None
