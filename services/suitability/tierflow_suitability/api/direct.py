"""The short way for a busy route: what is plainly right is served at once, everything else goes the ordinary way.

FastAPI's solver of dependencies costs more than a decision. The short way calls the very same functions by hand and
only for a request it can read without doubt; any other request, with its body given back, goes through FastAPI, which
documents the route and words every problem.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tierflow_shared.web.routing import StrictRoute

Serve = Callable[[Request, bytes], Awaitable[Response | None]]


def direct_route(serve: Serve) -> type[StrictRoute]:
    """A class of routes that first ask `serve`; None means: this one goes the ordinary way."""

    class DirectRoute(StrictRoute):
        """A documented route with a short way."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.app = _first(serve, self.app)

    return DirectRoute


def _first(serve: Serve, ordinary: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        response = await serve(request, body)
        if response is None:
            await ordinary(scope, _again(body, receive), send)
        else:
            await response(scope, receive, send)

    return app


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body that was read before."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
