"""The one middleware: trace id, limits, metrics, and a last resort for errors nobody expected. Pure ASGI."""

from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tierflow_shared.logs import new_trace_id, trace_id, traceparent
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.tracing.context import trace_of, valid
from tierflow_shared.web.direct import DirectRoute
from tierflow_shared.web.errors import database_problem
from tierflow_shared.web.headers import secure
from tierflow_shared.web.limits import BodyLimits, bounded_receive, check_target
from tierflow_shared.web.problems import Problem, for_status, problem_response

if TYPE_CHECKING:
    from tierflow_shared.tracing.spans import RequestSpan, Tracing

# Nobody waits for the answer any more; the number that proxies write for it.
GONE: Final = 499
_UNTRACED: Final = ("/livez", "/readyz", "/metrics")
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
        tracing: "Tracing | None" = None,
    ) -> None:
        self._tracing = tracing
        self._app, self._metrics, self._limits, self._direct = app, metrics, limits, direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = perf_counter()
        span = self._begin(scope)
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
            self._measure(scope, status, perf_counter() - started_at, span)

    def _begin(self, scope: Scope) -> "RequestSpan | None":
        """Gives the request its trace id, for log lines and problem details, and its span where requests are traced."""
        told = _traceparent_of(scope)
        if self._tracing is None or scope["path"].endswith(_UNTRACED):
            traceparent.set(told)
            trace_id.set(trace_of(told) or new_trace_id())
            return None
        span = self._tracing.request(_method(scope), told)
        traceparent.set(span.traceparent)
        trace_id.set(span.trace_id)
        return span

    def _unhandled(self, scope: Scope, error: Exception) -> None:
        self._metrics.add("tierflow_http_unhandled_total", _template(scope))
        _log.error("unhandled error", route=_template(scope), method=scope["method"], exc_info=error)

    def _measure(self, scope: Scope, status: int, seconds: float, span: "RequestSpan | None") -> None:
        method, template = _method(scope), _template(scope)
        self._metrics.add("tierflow_http_requests_total", method, template, str(status))
        self._metrics.observe("tierflow_http_request_seconds", method, template, value=seconds)
        if span is not None:
            span.end(method, template, status)


_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def _template(scope: Scope) -> str:
    """The route's template; "-" for paths that no route knows, so that nobody can flood the metrics."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "-"


def _traceparent_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return valid(value)
    return ""
