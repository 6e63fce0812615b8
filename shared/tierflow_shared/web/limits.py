"""Limits on what is read from the wire, before anybody parses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import Message, Receive, Scope

from tierflow_shared.web.problems import Problem

_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest body in bytes: the default, and paths that may take more."""

    default_bytes: int
    by_path: Mapping[str, int]

    def for_path(self, path: str) -> int:
        return self.by_path.get(path, self.default_bytes)


def too_large(limit_bytes: int) -> Problem:
    return Problem(
        413, "too-large", "Too large", f"a body here has at most {limit_bytes} bytes",
        field="body", rule="max-bytes", extra={"limit_bytes": limit_bytes},
    )  # fmt: skip


def check_target(scope: Scope) -> None:
    """Refuses NUL and bytes that are not UTF-8 in path and query.

    Raises:
        Problem: 400.
    """
    path: str = scope["path"]
    query: bytes = scope["query_string"]
    if "\x00" in path or not path.isprintable() or ("\ufffd" in path and not _is_utf8(scope)):
        raise _bad_target("path")
    if query and (b"%00" in query or b"\x00" in query or not query.isascii()):
        raise _bad_target("query")


def _is_utf8(scope: Scope) -> bool:
    """Whether the path said U+FFFD itself; it also stands for bytes that the server could not read."""
    try:
        unquote_to_bytes(scope.get("raw_path") or b"\xff").decode()
    except UnicodeDecodeError:
        return False
    return True


def _bad_target(part: str) -> Problem:
    return Problem(400, "bad-request", "Bad request", f"the {part} must be printable UTF-8", field=part, rule="utf-8")


def bounded_receive(scope: Scope, receive: Receive, limits: BodyLimits) -> Receive:
    """A `receive` that never hands out more than the path's limit, whatever content-length says.

    Raises:
        Problem: 415 for a compressed body; 413 at once when content-length says too much, later when the bytes do.
    """
    declared_bytes = _declared_length(scope)
    if not declared_bytes and scope["method"] in _BODYLESS:
        return receive
    limit_bytes = limits.for_path(scope["path"])
    if declared_bytes > limit_bytes:
        raise too_large(limit_bytes)
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit_bytes:
                raise too_large(limit_bytes)
        return message

    return bounded


def _declared_length(scope: Scope) -> int:
    declared = 0
    for name, value in scope["headers"]:
        if name == b"content-length":
            declared = int(value) if value.isdigit() and len(value) < 19 else 2**63
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            raise _encoded()
    return declared


def _encoded() -> Problem:
    """A body is read as it is: what a few bytes unpack to would have no bound."""
    return Problem(
        415, "unsupported-media-type", "Unsupported content encoding", "a body must not be compressed",
        field="header.content-encoding", rule="content-encoding", headers={"Accept-Encoding": "identity"},
    )  # fmt: skip
