"""Reads the `http` blocks of a page and compares answers with what the page shows.

A block is a request line, headers, a body, an empty line, then the status and what the answer contains.
`…` stands for anything, in a text or behind the last member of a list or an object.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADER = re.compile(r"^([A-Za-z-]+): (.*)$")


@dataclass(frozen=True, slots=True)
class Example:
    """One request of a page and what it says comes back."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    status: int
    shown: Any


def examples(page: Path) -> list[Example]:
    """All examples of a page, in order."""
    return [_example(block) for block in _BLOCK.findall(page.read_text())]


def _example(block: str) -> Example:
    request, _, answer = block.strip().rpartition("\n\n")
    lines = request.splitlines()
    method, path = lines[0].split(" ", 1)
    headers: dict[str, str] = {}
    rest = lines[1:]
    while rest and (found := _HEADER.match(rest[0])):
        headers[found[1]] = found[2]
        rest = rest[1:]
    status, _, shown = answer.partition(" ")
    return Example(method, path, headers, "\n".join(rest), int(status), _parse(shown))


def _parse(text: str) -> Any:
    without_rest = re.sub(r",?\s*…\s*(?=[\]}])", "", text)
    return json.loads(without_rest) if without_rest.strip() else None


def difference(shown: Any, got: Any, where: str = "$") -> str | None:
    """Where the answer does not contain what the page shows; None when it does."""
    if isinstance(shown, dict):
        if not isinstance(got, dict):
            return f"{where}: {got!r} is no object"
        return next(
            (found for name, value in shown.items() if (found := difference(value, got.get(name), f"{where}.{name}"))),
            None,
        )
    if isinstance(shown, list):
        if not isinstance(got, list) or len(got) < len(shown):
            return f"{where}: {got!r} has fewer than {len(shown)} members"
        pairs = enumerate(zip(shown, got, strict=False))
        return next((found for i, (one, two) in pairs if (found := difference(one, two, f"{where}[{i}]"))), None)
    if isinstance(shown, str) and "…" in shown:
        pattern = ".*".join(map(re.escape, shown.split("…")))
        return (
            None if isinstance(got, str) and re.fullmatch(pattern, got) else f"{where}: {got!r} is not like {shown!r}"
        )
    return None if shown == got else f"{where}: {got!r} instead of {shown!r}"
