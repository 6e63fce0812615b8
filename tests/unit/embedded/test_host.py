"""The host: requests reach the service their path names, and services start and stop together, in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tierflow_embedded.host import Host
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.web.health import Health

Diary = list[str]


def _service(name: str, diary: Diary, *, fails: bool = False) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if fails:
            raise RuntimeError("no disk")
        diary.append(f"{name} starts")
        try:
            yield
        finally:
            diary.append(f"{name} stops")

    app = FastAPI(lifespan=lifespan)
    app.state.health, app.state.metrics = Health(), ServiceMetrics(name)

    @app.get(f"/{name}/v1/hello")
    async def hello() -> str:
        return name

    return app


def _host(tmp_path: Path, diary: Diary, **services: FastAPI) -> Host:
    async def close() -> None:
        diary.append("log closes")

    found = services or {name: _service(name, diary) for name in ("events", "scoring")}
    return Host(found, jwks_path=tmp_path / "jwks.json", close=close)


async def _live(host: Host) -> tuple[Callable[[], Any], list[dict[str, Any]]]:
    """Runs the lifespan as a server would; returns what ends it, and what the host said."""
    said: list[dict[str, Any]] = []
    asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: Any) -> None:
        said.append(message)

    async def run() -> None:
        await host({"type": "lifespan"}, receive, send)

    return run, said


def _client(host: Host) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=host), base_url="http://host")


@pytest.mark.anyio
async def test_each_service_serves_its_own_prefix(tmp_path: Path) -> None:
    async with _client(_host(tmp_path, [])) as client:
        assert (await client.get("/events/v1/hello")).json() == "events"
        assert (await client.get("/scoring/v1/hello")).json() == "scoring"


@pytest.mark.anyio
async def test_services_start_in_order_and_stop_in_reverse_before_the_log_closes(tmp_path: Path) -> None:
    diary: Diary = []
    run, said = await _live(_host(tmp_path, diary))
    await run()
    assert diary == ["events starts", "scoring starts", "scoring stops", "events stops", "log closes"]
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.anyio
async def test_a_service_that_cannot_start_stops_the_others_and_says_why(tmp_path: Path) -> None:
    diary: Diary = []
    services = {"events": _service("events", diary), "scoring": _service("scoring", diary, fails=True)}
    run, said = await _live(_host(tmp_path, diary, **services))
    await run()
    assert diary == ["events starts", "events stops", "log closes"]
    assert said == [{"type": "lifespan.startup.failed", "message": "RuntimeError: no disk"}]


@pytest.mark.anyio
async def test_health_speaks_for_all_services(tmp_path: Path) -> None:
    host = _host(tmp_path, [])
    async with _client(host) as client:
        assert (await client.get("/livez")).json() == (await client.get("/readyz")).json() == {"status": "ok"}
        host.services["scoring"].state.health.watch("consumer", lambda: False)
        host.services["events"].state.health.draining = True
        live, ready = await client.get("/livez"), await client.get("/readyz")
    assert (live.status_code, live.json()["stuck"]) == (503, ["scoring: consumer"])
    assert (ready.status_code, ready.json()["missing"]) == (503, ["events: shutdown"])


@pytest.mark.anyio
async def test_the_host_has_pages_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(b'{"keys":[]}')
    async with _client(_host(tmp_path, [])) as client:
        index, metrics = await client.get("/"), await client.get("/metrics")
        keys, unknown = await client.get("/.well-known/jwks.json"), await client.get("/nothing/here")
    assert "Tierflow" in index.text
    assert metrics.status_code == 200
    assert keys.json() == {"keys": []}
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
