"""Every route answers everybody as its row in `matrix.csv` declares; a route without a row fails, and so does a row
without a route; a route that loses its check is found."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request

from tests.security import matrix
from tests.security.matrix import PUBLIC, Row
from tests.security.world import World, opened
from tierflow_shared.web.auth import Principal, RequiredScope

pytestmark = pytest.mark.anyio
ROWS = matrix.rows()
DOCUMENTS = Path(__file__).parents[2] / "docs" / "openapi"
PROTECTED = [row for row in ROWS if row.scope != PUBLIC]
CONFINED = [row for row in PROTECTED if {row.customer, row.rm} & {"own", "list"}]


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("world")) as one:
        yield one


async def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    documents = {name: app.openapi() for name, app in world.host.services.items()}
    assert matrix.routes(documents) == {(row.method, row.path) for row in ROWS}
    assert len(ROWS) == len({row.name for row in ROWS})


async def test_the_committed_documents_declare_the_same_scopes() -> None:
    declared = {}
    for file in DOCUMENTS.glob("*.json"):
        for path, operations in json.loads(file.read_text())["paths"].items():
            for method, operation in operations.items():
                declared[f"{method.upper()} {path}"] = operation.get("x-scope", {}).get("name", PUBLIC)
    assert declared == {row.name: row.scope for row in ROWS}


async def test_a_route_without_a_row_is_found(world: World) -> None:
    documents = {name: app.openapi() for name, app in world.host.services.items()}
    documents["events"] = {"paths": {**documents["events"]["paths"], "/events/v1/new": {"get": {}}}}
    assert matrix.routes(documents) - {(row.method, row.path) for row in ROWS} == {("GET", "/events/v1/new")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_route_answers_as_its_row_declares(row: Row, world: World) -> None:
    asked = matrix.cases(row, world)
    assert [line async for line in matrix.failures(row, world, asked)] == []


@pytest.mark.parametrize("row", PROTECTED, ids=lambda row: row.name)
async def test_a_route_without_its_scope_check_is_found(
    row: Row, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: who has a valid token of any kind gets through this one route."""
    checked = RequiredScope.__call__

    async def lax(self: RequiredScope, request: Request) -> Principal:
        if request.scope["route"].path_format == row.path and request.method == row.method:
            return await request.app.state.authority.principal(request.headers.get("authorization"))
        return await checked(self, request)

    monkeypatch.setattr(RequiredScope, "__call__", lax)
    asked = [case for case in matrix.cases(row, world) if case.rule == "scope"][:4]
    found = [line async for line in matrix.failures(row, world, asked)]
    assert len(found) == len(asked)


@pytest.mark.parametrize("row", CONFINED, ids=lambda row: row.name)
async def test_a_route_without_its_object_check_is_found(
    row: Row, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the routes do not learn whose token it is."""
    checked = RequiredScope.__call__

    async def blind(self: RequiredScope, request: Request) -> Principal:
        principal = await checked(self, request)
        return replace(principal, customer=None, rm=None)

    monkeypatch.setattr(RequiredScope, "__call__", blind)
    asked = [case for case in matrix.cases(row, world) if case.wanted == "404" or case.confined_to]
    assert [line async for line in matrix.failures(row, world, asked)] != []
