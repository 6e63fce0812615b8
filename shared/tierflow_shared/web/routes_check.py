"""Finds routes that say neither which scope they need nor that they are public."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from tierflow_shared.web.auth import PublicRoute, RequiredScope
from tierflow_shared.web.routing import StrictRoute


def api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """The routes of an app that was made by `create_service_app`."""
    return (route for route in app.router.routes if isinstance(route, APIRoute))


def required_scope(route: APIRoute) -> str | None:
    """The scope a route declares; None for a public route and for one that declares nothing."""
    for dependant in route.dependant.dependencies:
        if isinstance(dependant.call, RequiredScope):
            return dependant.call.scope
    return None


def is_public(route: APIRoute) -> bool:
    """True if the route says that it needs no token."""
    return any(isinstance(dependant.call, PublicRoute) for dependant in route.dependant.dependencies)


def undeclared_routes(app: FastAPI) -> list[str]:
    """Routes that declare neither a scope nor that they are public, or both, or that read bodies loosely."""
    found = []
    documents = {app.docs_url, app.openapi_url, app.swagger_ui_oauth2_redirect_url}
    for route in app.router.routes:
        if isinstance(route, APIRoute):
            declared = (required_scope(route) is not None) + is_public(route)
            if declared != 1 or not isinstance(route, StrictRoute):
                found.append(f"{','.join(sorted(route.methods or ()))} {route.path}")
        elif not isinstance(route, Route) or route.path not in documents:
            found.append(str(getattr(route, "path", route)))
    return found
