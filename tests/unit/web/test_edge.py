"""The edge: every error is a problem, every limit holds, and nothing of a request is repeated."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.unit.web.small_app import NOW, client, router, small_app
from tierflow_shared.clock import ManualClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.auth import PUBLIC, requires
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.routes_check import undeclared_routes
from tierflow_shared.web.routing import service_router

pytestmark = pytest.mark.anyio

ORDER = b'{"day":"2024-06-14","amount":{"value":"1.50","currency":"CZK"},"count":1,"tags":["a"]}'
JSON = {"content-type": "application/json"}


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return small_app(tmp_path, ManualClock(NOW))


@pytest.fixture
async def http(app: FastAPI, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=tmp_path), ManualClock(NOW))
    async with client(app, issuer.mint("anna", ["sales:write", "sales:read"], timedelta(hours=1))) as one:
        yield one


async def test_a_good_body_is_read_by_json_rules(http: httpx.AsyncClient) -> None:
    answer = await http.post("/small/v1/orders/O-1", content=ORDER, headers=JSON)
    assert answer.json() == {"by": "anna", "order": "O-1", "day": "2024-06-14"}


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        (b'"count":1', b'"count":"1"', "body.count", "int-type"),
        (b'"count":1', b'"count":1.0', "body.count", "int-type"),
        (b'"count":1', b'"count":true', "body.count", "int-type"),
        (b'"count":1', b'"count":NaN', "body.count", "finite-number"),
        (b'"count":1', b'"count":1,"share":1e999', "body.share", "finite-number"),
        (b'"count":1', b'"count":1,"share":-Infinity', "body.share", "finite-number"),
        (b'"count":1', b'"count":9223372036854775808', "body.count", "number-range"),
        (b'"count":1', b'"count":1,"colour":2', "body.colour", "unknown-field"),
        (b'"currency":"CZK"', b'"currency":"CZK","x":1', "body.amount.x", "unknown-field"),
        (b"CZK", b"XXX", "body.amount.currency", "currency"),
        (b"1.50", b"1.505", "body.amount.value", "precision"),
        (b'["a"]', b'["\\u0000"]', "body.tags.0", "no-nul"),
        (b'["a"]', b'["\\udc00"]', "body.tags.0", "surrogate"),
        (b'"count":1', b'"count\\u0000":1', "body", "no-nul"),
        (b'["a"]', b"[" * 40 + b"]" * 40, "body", "depth"),
        (b'"2024-06-14"', b"0", "body.day", "date-type"),
    ],
)
async def test_loose_json_is_refused_with_field_and_rule(
    http: httpx.AsyncClient, old: bytes, new: bytes, field: str, rule: str
) -> None:
    answer = await http.post("/small/v1/orders/O-1", content=ORDER.replace(old, new), headers=JSON)
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert {"field": field, "rule": rule} in [{"field": e["field"], "rule": e["rule"]} for e in errors]


async def test_text_that_looks_suspicious_but_is_fine_is_taken(http: httpx.AsyncClient) -> None:
    tags = b'["NaN", "Infinity", "1e999", "\\\\u0000", "12345678901234567890", "\\ud83d\\ude00"]'
    answer = await http.post("/small/v1/orders/O-1", content=ORDER.replace(b'["a"]', tags), headers=JSON)
    assert answer.status_code == 200, answer.text


async def test_errors_come_before_a_body_is_read_when_the_token_is_missing(app: FastAPI) -> None:
    async with client(app) as stranger:
        answer = await stranger.post("/small/v1/orders/O-1", content=b"{", headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_bug_is_a_500_problem_without_the_message_and_is_counted(app: FastAPI, http: httpx.AsyncClient) -> None:
    answer = await http.get("/small/v1/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "Jana" not in answer.text
    assert app.state.metrics.value("tierflow_http_unhandled_total", "/small/v1/broken") == 1


async def test_body_limits_hold_by_path_whatever_content_length_says(http: httpx.AsyncClient) -> None:
    async def stream(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 10_000):
            yield b"x" * 10_000

    assert (await http.post("/small/v1/echo", content=stream(100_000))).json() == {"bytes": 100_000}
    assert (await http.post("/small/v1/echo", content=stream(110_000))).status_code == 413
    assert (await http.post("/small/v1/echo", content=b"x" * 100_001)).status_code == 413
    assert (await http.post("/small/v1/orders/O-1", content=b"x" * 65_537, headers=JSON)).status_code == 413


async def test_a_caller_who_leaves_in_the_middle_is_no_error_of_ours(app: FastAPI) -> None:
    sent: list[object] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/small/v1/echo",
        "raw_path": b"/small/v1/echo",
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent == []
    assert app.state.metrics.value("tierflow_http_requests_total", "POST", "/small/v1/echo", "499") == 1
    assert app.state.metrics.value("tierflow_http_unhandled_total", "/small/v1/echo") == 0


async def test_the_callers_trace_is_named_in_the_problem(http: httpx.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await http.get("/nothing", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.json()["instance"] == f"urn:tierflow:trace:{trace}"


async def test_metrics_use_route_templates_and_never_paths(app: FastAPI, http: httpx.AsyncClient) -> None:
    await http.post("/small/v1/orders/SECRET-1", content=ORDER, headers=JSON)
    await http.get("/SECRET-2")
    text = (await http.get("/metrics")).text
    assert 'route="/small/v1/orders/{order_id}",service="small",status="200"' in text
    assert "SECRET" not in text


async def test_pages_follow_each_other_without_gaps(http: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await http.get("/small/v1/numbers", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += page["items"]
        cursor = page["next"]
    assert seen == list(range(7))


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "W10=W10", "é", "bnVsbA"])
async def test_foreign_cursors_are_refused(http: httpx.AsyncClient, cursor: str) -> None:
    answer = await http.get("/small/v1/numbers", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.cursor"


def test_the_app_declares_every_route(app: FastAPI) -> None:
    assert undeclared_routes(app) == []


def test_routes_that_declare_nothing_or_both_are_found(tmp_path: Path) -> None:
    app = small_app(tmp_path, ManualClock(NOW))
    careless = service_router()
    careless.add_api_route("/open", lambda: None)
    careless.add_api_route("/both", lambda: None, dependencies=[PUBLIC, requires("sales:read")])
    app.router.routes.extend(careless.routes)
    assert undeclared_routes(app) == ["GET /open", "GET /both"]


def test_openapi_names_the_scope_of_each_route(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert paths["/small/v1/orders/{order_id}"]["post"]["security"] == [{"bearer": ["sales:write"]}]
    assert paths["/small/v1/broken"]["get"]["security"] == []
    assert "application/problem+json" in app.openapi()["components"]["responses"]["Problem"]["content"]


def test_a_router_that_reads_bodies_loosely_is_not_taken(tmp_path: Path) -> None:
    assert {type(route).__name__ for route in router.routes} == {"StrictRoute"}
    app = small_app(tmp_path, ManualClock(NOW))
    app.add_api_route("/loose", lambda: None, dependencies=[PUBLIC])
    assert undeclared_routes(app) == ["GET /loose"]
