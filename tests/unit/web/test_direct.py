"""The short way of a busy route: it serves or steps aside with the body untouched, and fails as the ordinary one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from tests.unit.web.small_app import NOW, client
from tierflow_shared.clock import ManualClock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.app import create_service_app
from tierflow_shared.web.auth import PUBLIC, authority_for
from tierflow_shared.web.direct import direct_route, direct_routes
from tierflow_shared.web.health import Health
from tierflow_shared.web.problems import conflict
from tierflow_shared.web.routing import service_router

pytestmark = pytest.mark.anyio
PATH = "/small/v1/words"
REQUESTS = ("tierflow_http_requests_total", "POST", PATH)


def app_with_a_short_way(folder: Path) -> FastAPI:
    """Words starting with "s" take the short way; some of them fail on it."""

    async def at_once(request: Request) -> Response | None:
        match await request.body():
            case b"sconflict":
                raise conflict("not this word")
            case b"sdatabase":
                raise OperationalError("SELECT secret", {}, RuntimeError("gone"))
            case b"sbug":
                raise RuntimeError("secret")
            case word:
                return Response(b"short " + word) if word.startswith(b"s") else None

    async def ordinary(request: Request) -> Response:
        return Response(b"ordinary " + await request.body())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    router = service_router("/small/v1")
    router.add_api_route(
        "/words", ordinary, methods=["POST"], dependencies=[PUBLIC], route_class_override=direct_route(at_once)
    )
    settings, metrics = ServiceSettings(data_dir=folder, max_request_bytes=1_024), ServiceMetrics("small")
    return create_service_app(
        service="small",
        title="Small",
        settings=settings,
        routers=[router],
        lifespan=lifespan,
        authority=authority_for(settings, ManualClock(NOW), metrics),
        metrics=metrics,
        health=Health(),
    )


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return app_with_a_short_way(tmp_path)


async def in_parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_the_short_way_serves_and_is_counted_like_any_route(app: FastAPI) -> None:
    async with client(app) as http:
        answer = await http.post(PATH, content=b"sun")
    assert (answer.status_code, answer.content) == (200, b"short sun")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert app.state.metrics.value(*REQUESTS, "200") == 1


@pytest.mark.parametrize("parts", [(b"moon",), (b"mo", b"", b"on")])
async def test_what_it_does_not_take_reaches_the_ordinary_way_with_its_body(
    app: FastAPI, parts: tuple[bytes, ...]
) -> None:
    async with client(app) as http:
        answer = await http.post(PATH, content=in_parts(*parts))
        other_method = await http.get(PATH)
    assert answer.content == b"ordinary moon"
    assert other_method.status_code == 405
    assert app.state.metrics.value(*REQUESTS, "200") == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"sconflict", 409, "conflict"),
        (b"sdatabase", 503, "unavailable"),
        (b"sbug", 500, "internal"),
        (b"s" * 1_025, 413, "too-large"),
    ],
)
async def test_its_errors_are_the_same_problems(app: FastAPI, body: bytes, status: int, code: str) -> None:
    async with client(app) as http:
        answer = await http.post(PATH, content=in_parts(body), headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == f"urn:tierflow:trace:{'a' * 32}"
    assert "secret" not in answer.text
    assert app.state.metrics.value(*REQUESTS, str(status)) == 1
    assert app.state.metrics.value("tierflow_http_unhandled_total", PATH) == (status == 500)


async def test_a_caller_who_leaves_before_the_body_ends_is_no_error(app: FastAPI) -> None:
    messages = iter([{"type": "http.request", "body": b"s", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(), receive, send)
    assert sent == []
    assert app.state.metrics.value(*REQUESTS, "499") == 1


def test_a_short_way_has_no_parameters_in_its_path() -> None:
    async def nothing(_request: Request) -> None:
        return None

    router = service_router("/small/v1")
    router.add_api_route("/words/{word}", nothing, route_class_override=direct_route(nothing))
    with pytest.raises(AssertionError, match="without parameters"):
        direct_routes(router.routes)


def _scope() -> Scope:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": "", "headers": [],
        "server": ("small", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
