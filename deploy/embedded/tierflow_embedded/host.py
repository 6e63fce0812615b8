"""All four services in one process behind one port. Each keeps its own paths, database and metrics."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from tierflow_shared.metrics import exposition
from tierflow_shared.web.headers import secure
from tierflow_shared.web.problems import not_found, problem_response, unavailable

_log = structlog.get_logger("tierflow.host")
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Close = Callable[[], Awaitable[None]]


class Host:
    """An ASGI app that hands each request to the service its path names, and starts and stops them together."""

    def __init__(self, services: Mapping[str, FastAPI], *, jwks_path: Path, close: Close) -> None:
        self.services = services
        self._jwks_path, self._close = jwks_path, close
        self._index = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path: str = scope["path"]
        service = self.services.get(path.lstrip("/").partition("/")[0])
        if service is not None:
            await service(scope, receive, send)
        elif scope["type"] == "http":
            await (await self._own(path))(scope, receive, _secured(send))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Enters the lifespan of each service (nobody else would), and leaves them in the reverse order."""
        await receive()
        phase = "startup"
        try:
            async with AsyncExitStack() as stack:
                stack.push_async_callback(self._close)
                for app in self.services.values():
                    await stack.enter_async_context(app.router.lifespan_context(app))
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
                for app in self.services.values():
                    app.state.health.draining = True
        except Exception as error:
            _log.exception("the host failed", phase=phase)
            await send({"type": f"lifespan.{phase}.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _own(self, path: str) -> Response:
        """The few pages that belong to no service."""
        match path:
            case "/":
                return HTMLResponse(self._index)
            case "/livez":
                stuck = [f"{name}: {part}" for name, app in self._named() for part in app.state.health.stuck()]
                return _health("stuck", stuck)
            case "/readyz":
                missing = [
                    f"{name}: {part}" for name, app in self._named() for part in await app.state.health.missing()
                ]
                return _health("missing", missing)
            case "/metrics":
                metrics = [app.state.metrics for app in self.services.values()]
                return Response(exposition(metrics), media_type=_METRICS_TYPE)
            case "/.well-known/jwks.json" if self._jwks_path.is_file():
                return Response(self._jwks_path.read_bytes(), media_type="application/json")
            case _:
                return problem_response(not_found("page"))

    def _named(self) -> list[tuple[str, FastAPI]]:
        return list(self.services.items())


def _secured(send: Send) -> Send:
    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            secure(message)
        await send(message)

    return secured


def _health(member: str, parts: list[str]) -> Response:
    if parts:
        return problem_response(unavailable(f"{member}: {', '.join(parts)}", extra={member: parts}))
    return Response(b'{"status":"ok"}', media_type="application/json")
