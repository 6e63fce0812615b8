"""Routers of the services: FastAPI's, with bodies read strictly and unknown query parameters refused."""

from collections.abc import Callable, Coroutine, Sequence
from enum import Enum
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from tierflow_shared.web.json_text import JsonText
from tierflow_shared.web.problems import Problem, shown_name

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
DEFAULT_MAX_DEPTH: Final = 32


class StrictRequest(Request):
    """A request whose JSON body is kept as text until a model reads it."""

    async def json(self) -> Any:
        settings = getattr(self.app.state, "settings", None)
        return JsonText(await self.body(), settings.max_json_depth if settings else DEFAULT_MAX_DEPTH)


class StrictRoute(APIRoute):
    """A route that checks content type and the names of query parameters before anything else."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        reads_json = self.body_field is not None
        known_names = frozenset(_query_names(self))

        async def strict(request: Request) -> Response:
            if reads_json:
                _require_json(request)
            if request.scope["query_string"]:
                _require_known_names(request, known_names)
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def service_router(prefix: str = "", tags: Sequence[str | Enum] = ()) -> APIRouter:
    """A router for a service's routes: `router = service_router("/scoring/v1", ["tiers"])`."""
    return APIRouter(prefix=prefix, tags=list(tags), route_class=StrictRoute)


def _query_names(route: APIRoute) -> set[str]:
    names: set[str] = set()
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting.extend(dependant.dependencies)
        names.update(field.alias for field in dependant.query_params)
    return names


def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            415, "unsupported-media-type", "Unsupported content type", "this takes application/json",
            field="header.content-type", rule="content-type",
        )  # fmt: skip


def _require_known_names(request: Request, known: frozenset[str]) -> None:
    names = list(request.query_params.keys())
    for name in names:
        if name not in known:
            raise Problem(
                422, "invalid", "Invalid input", "this query parameter is not known here",
                field=f"query.{shown_name(name)}", rule="unknown-field",
            )  # fmt: skip
