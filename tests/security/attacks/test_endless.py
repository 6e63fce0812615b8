"""Requests that are too large, too deep, too many at once, or never end: refused early, memory bounded."""

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.security.attacks.target import HOST, Target, Wire, statuses, wire

pytestmark = pytest.mark.anyio
MAX_GROWTH = 64 * 2**20
BLOCK = b"a" * 65_536
START = b"POST /events/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/cloudevents-batch+json\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n"
LARGE = 1 << 30


def with_token(opening: bytes, token: str) -> bytes:
    return opening + f"Authorization: Bearer {token}\r\n".encode()


async def flood(one: Wire, opening: bytes, blocks: Iterator[bytes], most_bytes: int = 512 * 2**20) -> tuple[int, bytes]:
    """Sends until the server closes; returns how much it took and what it said."""
    sent, alive = 0, await one.send(opening)
    for block in blocks:
        if not alive or sent >= most_bytes:
            break
        alive = await one.send(block)
        sent += len(block)
    return sent, await one.rest()


def for_ever(block: bytes) -> Iterator[bytes]:
    while True:
        yield block


HEADS: dict[str, tuple[bytes, bytes]] = {
    "endless-target": (b"GET /", BLOCK),
    "endless-field": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ", BLOCK),
    "endless-name": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX", BLOCK),
    "endless-fields": (b"GET /livez HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n" * 10_000),
    "endless-line-breaks": (b"", b"\r\n" * 32_768),
    "endless-method": (b"", BLOCK),
}
BODIES: dict[str, tuple[bytes, bytes]] = {
    "endless-trailer": (b"0\r\nX: ", BLOCK),
    "endless-trailers": (b"0\r\n", b"X: y\r\n" * 10_000),
    "endless-chunk-extension": (b"1;", BLOCK),
    "endless-chunk-size": (b"", b"0" * 65_536),
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_without_end_is_refused_early(name: str, target: Target) -> None:
    opening, block = HEADS[name]
    before = target.rss()
    async with wire(target) as one:
        sent, said = await flood(one, opening, for_ever(block))
    assert sent < 32 * 2**20
    assert said[:13] in {b"", b"HTTP/1.1 400 ", b"HTTP/1.1 431 "}
    assert target.rss() - before < MAX_GROWTH
    await target.alive()


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_without_progress_is_refused_early(name: str, target: Target, target_token: str) -> None:
    opening, block = BODIES[name]
    before = target.rss()
    async with wire(target) as one:
        sent, _ = await flood(one, with_token(CHUNKED, target_token) + b"\r\n" + opening, for_ever(block))
    assert sent < 32 * 2**20
    assert target.rss() - before < MAX_GROWTH
    await target.alive()


async def test_a_body_without_end_is_refused_at_its_limit(target: Target, target_token: str) -> None:
    before = target.rss()
    chunk = b"10000\r\n" + BLOCK + b"\r\n"
    async with wire(target) as one:
        await flood(one, with_token(CHUNKED, target_token) + b"\r\n", for_ever(chunk), most_bytes=2**34)
    assert target.rss() - before < MAX_GROWTH
    await target.alive()


async def test_a_body_that_says_it_is_huge_is_refused_at_once(target: Target, target_token: str) -> None:
    opening = with_token(START, target_token) + f"Content-Length: {LARGE}\r\n\r\n".encode()
    async with wire(target) as one:
        await one.send(opening)
        said = await one.pace(2)
    assert said.startswith(b"HTTP/1.1 413 ")


async def test_bodies_on_routes_that_read_none_are_not_kept(target: Target) -> None:
    before = target.rss()
    opening = b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + BLOCK + b"\r\n"
    async with wire(target) as one:
        await flood(one, opening, for_ever(chunk), most_bytes=2**34)
    assert target.rss() - before < MAX_GROWTH
    await target.alive()


async def test_one_field_larger_than_a_head_may_be(target: Target) -> None:
    async with wire(target) as one:
        await one.send(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n")
        assert (await one.rest()).startswith(b"HTTP/1.1 431 ")


async def test_control_a_large_head_is_read_where_it_is_allowed(bare: Target) -> None:
    async with wire(bare) as one:
        await one.send(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + b"a" * 40_000 + b"\r\n\r\n")
        assert (await one.rest()).startswith(b"HTTP/1.1 200 ")


async def test_thousands_of_requests_in_one_packet(target: Target) -> None:
    """A few are served one after the other; the rest is refused instead of kept."""
    before = target.rss()
    async with wire(target) as one:
        await one.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000)
        said = await one.rest()
    assert len(statuses(said)) < 1_000
    assert target.rss() - before < MAX_GROWTH
    await target.alive()


BOMB = gzip.compress(b"[" + b"0," * 30_000_000 + b"0]", 9)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip"])
async def test_compressed_bodies_are_refused(encoding: str, target: Target, target_token: str) -> None:
    """Nothing is ever unpacked, so nothing can burst."""
    before = target.rss()
    headers = {
        "content-encoding": encoding, "authorization": f"Bearer {target_token}",
        "content-type": "application/cloudevents-batch+json",
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{target.port}", trust_env=False) as http:
        answer = await http.post("/events/v1/events", content=BOMB, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (415, "content-encoding")
    assert target.rss() - before < MAX_GROWTH


@pytest.mark.parametrize("path", ["/events/v1/events", "/suitability/v1/sales", "/events/v1/business-date"])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
async def test_deep_json_is_refused(path: str, bracket: str, target: Target, target_token: str) -> None:
    kind = "application/cloudevents+json" if path.endswith("events") else "application/json"
    headers = {"content-type": kind, "authorization": f"Bearer {target_token}"}
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{target.port}", trust_env=False) as http:
        answer = await http.post(path, content=(bracket * 12_000).encode(), headers=headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["rule"] == "depth"
        wide = json.dumps({"a": [[0]] * 15_000}).encode()
        answer = await http.post(path, content=wide, headers=headers)
        assert answer.status_code in {413, 422}, answer.text
    await target.alive()
