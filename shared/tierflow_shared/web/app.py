"""Puts a service's app together: the same edge for all four services."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web import openapi
from tierflow_shared.web.authority import Authority
from tierflow_shared.web.client_limits import ClientLimits
from tierflow_shared.web.direct import direct_routes
from tierflow_shared.web.edge import Edge
from tierflow_shared.web.errors import install_error_handlers
from tierflow_shared.web.health import Health, health_router
from tierflow_shared.web.limits import BodyLimits
from tierflow_shared.web.routing import StrictRoute

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service_app(
    *,
    service: str,
    title: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
    authority: Authority,
    metrics: ServiceMetrics,
    health: Health,
    body_limits: Mapping[str, int] | None = None,
) -> FastAPI:
    """An app with problem details, limits, tokens, metrics, health and OpenAPI.

    `routers` come from `web.routing.service_router` and carry their full paths ("/scoring/v1/…"). `body_limits`
    names paths that take larger bodies than `settings.max_request_bytes`. Handlers find `authority`, `settings`
    and `metrics` on `request.app.state`.
    """
    app = FastAPI(
        title=title,
        version=version("tierflow"),
        lifespan=lifespan,
        docs_url=f"/{service}/docs",
        openapi_url=f"/{service}/openapi.json",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.authority, app.state.settings, app.state.metrics, app.state.health = authority, settings, metrics, health
    app.state.client_limits = ClientLimits.of(settings)
    for router in [*routers, health_router(service, health, metrics)]:
        _add_routes(app, router)
    install_error_handlers(app)
    limits = BodyLimits(settings.max_request_bytes, body_limits or {})
    app.add_middleware(Edge, metrics=metrics, limits=limits, direct=direct_routes(app.router.routes))
    _document(app)
    return app


def _add_routes(app: FastAPI, router: APIRouter) -> None:
    """Takes the routes themselves: one look-up a request, and each route keeps its full path for the metrics."""
    for route in router.routes:
        if not isinstance(route, StrictRoute):
            raise TypeError(f"{getattr(route, 'path', route)}: make routers with web.routing.service_router")
        app.router.routes.append(route)


def _document(app: FastAPI) -> None:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
