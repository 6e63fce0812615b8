"""The one middleware: trace id, limits, metrics, and a last resort for errors nobody expected. Pure ASGI."""

import os
import re
from time import perf_counter
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tierflow_shared.logs import trace_id
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.web.limits import BodyLimits, bounded_receive, check_target
from tierflow_shared.web.problems import Problem, for_status, problem_response

_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
# Nobody waits for the answer any more; the number that proxies write for it.
GONE: Final = 499
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_log = structlog.get_logger("tierflow.web")


class Edge:
    """Wraps an app. One layer instead of five: each layer costs microseconds on every request."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, limits: BodyLimits) -> None:
        self._app, self._metrics, self._limits = app, metrics, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = perf_counter()
        trace_id.set(_trace_of(scope))
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append(_NOSNIFF)
            await send(message)

        try:
            check_target(scope)
            await self._app(scope, bounded_receive(scope, receive, self._limits), watched)
        except Problem as problem:
            await problem_response(problem, trace_id.get())(scope, receive, watched)
        except ClientDisconnect:
            status = status or GONE
        except Exception as error:
            self._unhandled(scope, error)
            if status:
                raise
            await problem_response(for_status(500), trace_id.get())(scope, receive, watched)
        finally:
            self._measure(scope, status, perf_counter() - started_at)

    def _unhandled(self, scope: Scope, error: Exception) -> None:
        self._metrics.add("tierflow_http_unhandled_total", _template(scope))
        _log.error("unhandled error", route=_template(scope), method=scope["method"], exc_info=error)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        method, template = scope["method"], _template(scope)
        if method not in _METHODS:
            method = "other"
        self._metrics.add("tierflow_http_requests_total", method, template, str(status))
        self._metrics.observe("tierflow_http_request_seconds", method, template, value=seconds)


_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def _template(scope: Scope) -> str:
    """The route's template; "-" for paths that no route knows, so that nobody can flood the metrics."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "-"


def _trace_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _TRACEPARENT.fullmatch(value)
            if found:
                return found.group(1).decode()
    return os.urandom(16).hex()
