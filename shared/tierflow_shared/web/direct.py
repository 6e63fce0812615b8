"""The short way for a busy route: what is plainly right is served at once, everything else goes the ordinary way.

FastAPI's layers and its solver of dependencies cost more than a decision or an event. The short way calls the very
same functions by hand and only for a request it can read without doubt; any other request, with its body given back,
goes through FastAPI, which documents the route and words every problem.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from tierflow_shared.web.routing import StrictRoute


class DirectRequest(Request):
    """A request whose body is read with as little ado as possible, and only when asked for."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await _body(self.receive)
        return self._body


Serve = Callable[[DirectRequest], Awaitable[Response | None]]


class DirectRoute(StrictRoute):
    """A documented route with a short way, which the edge takes before FastAPI sees the request."""

    serve: ClassVar[Serve]

    async def attempt(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answers and returns None, or returns what the ordinary way reads the request from.

        Raises:
            Problem: the short way refuses the request.
            ClientDisconnect: nobody waits any more.
        """
        scope["route"] = self
        request = DirectRequest(scope, receive)
        response = await type(self).serve(request)
        if response is None:
            return _again(request)
        await response(scope, receive, send)
        return None


def direct_route(serve: Serve) -> type[DirectRoute]:
    """A class of routes that first ask `serve`; None means: this one goes the ordinary way."""
    return type("DirectRoute", (DirectRoute,), {"serve": staticmethod(serve)})


def direct_routes(routes: Iterable[BaseRoute]) -> Mapping[tuple[str, str], DirectRoute]:
    """The routes with a short way, by method and path."""
    direct = [route for route in routes if isinstance(route, DirectRoute)]
    assert all("{" not in route.path for route in direct), "a short way has one path, without parameters"
    return {(method, route.path): route for route in direct for method in route.methods or ()}


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _again(request: DirectRequest) -> Receive:
    """A `receive` that hands out a body that may have been read before."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await request.receive()
        given = True
        return {"type": "http.request", "body": await request.body(), "more_body": False}

    return replayed
