"""The server's own protections, below any app: time and size of a request's head, time of its body, connections.

uvicorn leaves these to a proxy. A service that can be reached past the gateway must stay live without one.
"""

import asyncio
import resource
from math import inf
from typing import Any, ClassVar, Final, NamedTuple

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.headers import SECURITY_HEADERS
from tierflow_shared.web.problems import PROBLEM_JSON

SWEEP_S: Final = 0.5
LINGER_S: Final = 2.0
_MAX_PIPELINED: Final = 16
_SPARE_FILES: Final = 256


class GuardLimits(NamedTuple):
    """Seconds, bytes and counts; infinity and 0 connections switch a protection off, which only tests do."""

    head_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 30.0
    max_head_bytes: int = 32_768
    max_connections: int = 4_096

    @classmethod
    def of(cls, settings: ServiceSettings) -> "GuardLimits":
        """The limits that the settings name; connections fit into the files this process may open."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        fitting = max(64, files - max(_SPARE_FILES, files // 4)) if files > 0 else settings.max_connections
        return cls(
            settings.head_timeout_s,
            settings.body_timeout_s,
            settings.write_timeout_s,
            settings.max_head_bytes,
            min(settings.max_connections, fitting),
        )


class Refusal(NamedTuple):
    """What a peer hears before its connection is closed."""

    status: int
    code: str
    title: str
    detail: str
    rule: str

    def message(self) -> bytes:
        """The whole response: a problem document with the headers of every response."""
        body = msgspec.json.encode(
            {
                "type": f"urn:tierflow:problem:{self.code}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
                "errors": [{"field": "request", "rule": self.rule, "message": self.detail}],
            }
        )
        headers = [
            *SECURITY_HEADERS,
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return STATUS_LINE[self.status] + lines + b"\r\n" + body


MALFORMED: Final = Refusal(400, "bad-request", "Bad request", "this is not a well-formed HTTP/1.1 request", "http")
LARGE_HEAD: Final = Refusal(431, "too-large", "Too large", "the request's head or trailer is too large", "max-head")
PIPELINED: Final = Refusal(400, "bad-request", "Bad request", "too many requests before the first answer", "pipeline")
SLOW: Final = Refusal(408, "too-slow", "Too slow", "the request did not arrive in time", "timeout")


class _RefusedError(Exception):
    """Ends the parser's work on a connection."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits. `due` is when the peer must have done its next step, infinity while it need not.

    Connections that wait for a request's head stand in `waiting` in the order in which they began to wait; when there
    are too many connections the one that waits longest makes room, so that new ones (a probe's) still get in.
    """

    limits: ClassVar[GuardLimits]
    waiting: ClassVar[dict["GuardedProtocol", None]]
    sweeper: ClassVar[asyncio.TimerHandle | None]

    due = inf
    write_due = inf
    _reads_head = True
    _is_whole = True
    _moved = False
    _unmoved_bytes = 0
    _received = 0
    _refusal = MALFORMED

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        most = self.limits.max_connections
        if most and len(self.connections) > most and not self._make_room():
            transport.abort()
            return
        self._wait_for_head(0.0)
        if type(self).sweeper is None:
            type(self).sweeper = self.loop.call_later(SWEEP_S, type(self).sweep, self.loop, self.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._moved, self._received = False, len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._moved = True
        except httptools.HttpParserError:
            self.refuse(self._refusal)
            return
        self._unmoved_bytes = 0 if self._moved else self._unmoved_bytes + len(data)
        if self._unmoved_bytes > self.limits.max_head_bytes:
            self.refuse(LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reads_head, self._is_whole = True, False
        if self in self.waiting:
            self.due = min(self.due, self.loop.time() + self.limits.head_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reads_head:  # a field behind the body must not pass for one of the head
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._moved = True
        if self._received > self.limits.max_head_bytes:
            self._check_head()
        self._check_framing()
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._refusal = PIPELINED
            raise _RefusedError
        super().on_headers_complete()
        self._reads_head = False
        self.waiting.pop(self, None)
        self.due = self.loop.time() + self.limits.body_s

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = self._is_whole = True
        super().on_message_complete()
        self.due = inf
        if self.cycle.response_complete:
            self._wait_for_head(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self.due = self.loop.time() + self.limits.write_s
        elif not self._is_whole and not self.pipeline:
            self.due = min(self.due, self.loop.time() + LINGER_S)
        elif self._is_whole and self.cycle.response_complete:
            self._wait_for_head(self.timeout_keep_alive)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_due = self.loop.time() + self.limits.write_s

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_due = inf

    def refuse(self, refusal: Refusal) -> None:
        """Closes the connection. The peer hears why if it waits for an answer: a second answer to one request, or one
        to a request that never began, could be taken for the answer to another request.
        """
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.response_complete
        is_waited_for = self._reads_head if not is_answering else not cycle.response_started
        if refusal is SLOW and self._is_whole:
            is_waited_for = False
        if is_answering:
            cycle.disconnected = True
            cycle.message_event.set()
        if not self.transport.is_closing():
            if is_waited_for:
                self.transport.write(refusal.message())
            self.transport.close()
        self.due = self.loop.time() + LINGER_S

    def _check_framing(self) -> None:
        """What the parser leaves to us: RFC 9112, sections 3.2 and 6.1."""
        if self.parser.get_http_version() == "1.1":
            if sum(name == b"host" for name, _ in self.headers) != 1:
                raise _RefusedError
        elif any(name == b"transfer-encoding" for name, _ in self.headers):
            raise _RefusedError

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.max_head_bytes:
            self._refusal = LARGE_HEAD
            raise _RefusedError

    def _wait_for_head(self, besides_s: float) -> None:
        self.waiting[self] = None
        self.due = self.loop.time() + besides_s + self.limits.head_s

    def _make_room(self) -> bool:
        longest = next(iter(self.waiting), None)
        if longest is None:
            return False
        self.waiting.pop(longest)
        longest.transport.abort()
        return True

    def _expire(self, now: float) -> None:
        if self.write_due < now or self.transport.is_closing():
            self.transport.abort()
        else:
            self.refuse(SLOW)

    @classmethod
    def sweep(cls, loop: asyncio.AbstractEventLoop, connections: set[Any]) -> None:
        """Ends the connections whose peer is too slow; runs again as long as there are connections."""
        now = loop.time()
        for connection in list(connections):
            if connection.due < now or connection.write_due < now:
                connection._expire(now)
        cls.sweeper = loop.call_later(SWEEP_S, cls.sweep, loop, connections) if connections else None


def guarded(limits: GuardLimits) -> type[GuardedProtocol]:
    """The protocol of one server: what uvicorn's `http` setting takes."""
    own: dict[str, Any] = {"limits": limits, "waiting": {}, "sweeper": None}
    return type("GuardedProtocol", (GuardedProtocol,), own)
