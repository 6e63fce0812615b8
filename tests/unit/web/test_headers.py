"""The headers of every answer, good or bad, and that no other origin gets in."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.web.small_app import NOW, client, small_app
from tierflow_embedded.server import ServeOptions, build_host
from tierflow_shared.clock import ManualClock
from tierflow_shared.web.headers import SECURITY_HEADERS

pytestmark = pytest.mark.anyio
ORIGIN = {"origin": "https://evil.example"}
PREFLIGHT = {**ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(small_app(tmp_path, ManualClock(NOW))) as one:
        yield one


def assert_closed(answer: httpx.Response) -> None:
    for name, value in SECURITY_HEADERS:
        if name != b"content-security-policy":
            assert answer.headers.get_list(name.decode()) == [value.decode()], (answer.request.url, name)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "server" not in answer.headers


ASKED = [
    ("GET", "/small/livez", 200),
    ("GET", "/small/metrics", 200),
    ("GET", "/small/openapi.json", 200),
    ("GET", "/small/docs", 200),
    ("GET", "/small/v1/numbers", 401),
    ("GET", "/small/v1/nowhere", 404),
    ("DELETE", "/small/v1/numbers", 405),
    ("GET", "/small/v1/broken", 500),
    ("GET", "/small/v1/%00", 400),
    ("POST", "/small/v1/orders/1", 415),
]


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
async def test_every_answer_carries_the_headers_and_none_opens_to_other_origins(
    method: str, path: str, status: int, http: httpx.AsyncClient
) -> None:
    for headers in ({}, ORIGIN, PREFLIGHT):
        answer = await http.request(method, path, headers=headers)
        assert answer.status_code == status
        assert_closed(answer)


async def test_a_preflight_gets_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.options("/small/v1/numbers", headers=PREFLIGHT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert_closed(answer)


@pytest.mark.parametrize("path", ["/", "/livez", "/metrics", "/.well-known/jwks.json", "/nowhere", "/scoring/docs"])
async def test_the_hosts_own_pages_carry_them_too(path: str, tmp_path: Path) -> None:
    host = build_host(ServeOptions(tmp_path), ManualClock(NOW))
    transport = httpx.ASGITransport(host)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://host") as http:
        assert_closed(await http.get(path, headers=ORIGIN))
    await host._close()


async def test_compressed_bodies_are_refused(http: httpx.AsyncClient) -> None:
    for encoding, status in (("identity", 200), ("gzip", 415), ("identity, gzip", 415)):
        answer = await http.post("/small/v1/echo", content=b"x", headers={"content-encoding": encoding})
        assert answer.status_code == status
