"""The one middleware: trace id, limits, metrics, and a last resort for errors nobody expected. Pure ASGI."""

import re
from collections.abc import Mapping
from random import Random
from time import perf_counter
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tierflow_shared.logs import trace_id
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.web.direct import DirectRoute
from tierflow_shared.web.errors import database_problem
from tierflow_shared.web.headers import secure
from tierflow_shared.web.limits import BodyLimits, bounded_receive, check_target
from tierflow_shared.web.problems import Problem, for_status, problem_response

_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
# Nobody waits for the answer any more; the number that proxies write for it.
GONE: Final = 499
# Ids to find a request by, no secrets: the system's generator would cost a system call for each request.
_trace_ids: Final = Random()
_log = structlog.get_logger("tierflow.web")


class Edge:
    """Wraps an app. One layer instead of five: each layer costs microseconds on every request.

    `direct` are the routes with a short way, by method and path; their requests need not enter the app.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: ServiceMetrics,
        limits: BodyLimits,
        direct: Mapping[tuple[str, str], DirectRoute],
    ) -> None:
        self._app, self._metrics, self._limits, self._direct = app, metrics, limits, direct

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
                secure(message)
            await send(message)

        try:
            check_target(scope)
            bounded = bounded_receive(scope, receive, self._limits)
            route = self._direct.get((scope["method"], scope["path"]))
            rest = bounded if route is None else await route.attempt(scope, bounded, watched)
            if rest is not None:
                await self._app(scope, rest, watched)
        except Problem as problem:
            await problem_response(problem, trace_id.get())(scope, receive, watched)
        except ClientDisconnect:
            status = status or GONE
        except Exception as error:
            known = None if status else database_problem(error)
            if known is None:
                self._unhandled(scope, error)
            if status:
                raise
            await problem_response(known or for_status(500), trace_id.get())(scope, receive, watched)
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
    return f"{_trace_ids.getrandbits(128):032x}"
