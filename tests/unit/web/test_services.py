"""What is promised of every service's HTTP surface, shown on the apps as they are wired."""

import asyncio
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.unit.web.small_app import NOW, client
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock
from tierflow_shared.web.routes_check import api_routes, is_public, required_scope, undeclared_routes
from tierflow_shared.web.scopes import ALL_SCOPES

SERVICES = ("events", "scoring", "contact-planner", "suitability")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    name = request.param
    assert isinstance(name, str)
    return name


@pytest.fixture
def app(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The service's app, wired but not started."""
    monkeypatch.setenv("TIERFLOW_DATA_DIR", str(tmp_path))
    bus = SqliteBus(tmp_path / "log.db", clock=ManualClock(NOW))
    module = importlib.import_module(f"tierflow_{service.replace('-', '_')}.app")
    yield module.create_app(bus=bus, clock=ManualClock(NOW))
    asyncio.run(bus.close(5))


def test_every_route_declares_its_scope_or_that_it_is_public(app: FastAPI) -> None:
    assert undeclared_routes(app) == []


def test_only_health_and_metrics_are_public(app: FastAPI) -> None:
    public = {route.path.rsplit("/", 1)[-1] for route in api_routes(app) if is_public(route)}
    assert public == {"livez", "readyz", "metrics"}


def test_every_path_lies_under_the_services_own_prefix(app: FastAPI, service: str) -> None:
    root = {"/livez", "/readyz", "/metrics"}
    assert [r.path for r in api_routes(app) if r.path not in root and not r.path.startswith(f"/{service}/")] == []


def test_every_route_is_documented_with_its_scope(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for route in api_routes(app):
        if route.include_in_schema:
            for method in route.methods or ():
                operation = paths[route.path_format][method.lower()]
                scope = required_scope(route)
                assert scope is None or scope in ALL_SCOPES
                assert operation["security"] == ([{"bearer": [scope]}] if scope else [])
                assert operation.get("description") or operation.get("summary")


def test_the_document_is_the_same_each_time(app: FastAPI) -> None:
    first = json.dumps(app.openapi())
    app.openapi_schema = None
    assert json.dumps(app.openapi()) == first


@pytest.mark.anyio
async def test_without_a_token_every_protected_route_says_401(app: FastAPI) -> None:
    async with client(app) as http:
        for route in api_routes(app):
            if required_scope(route):
                path = route.path_format.replace(":path", "").replace("{", "").replace("}", "")
                method = sorted(route.methods or ())[0]
                body = {"content": b"{}", "headers": {"content-type": "application/json"}} if method != "GET" else {}
                answer = await http.request(method, path, **body)  # type: ignore[arg-type]
                assert answer.status_code == 401, (method, path, answer.text)
