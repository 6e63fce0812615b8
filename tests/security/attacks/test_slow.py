"""Peers that are slow on purpose: in their heads, their bodies, and in reading answers; and ten thousand of them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.security.attacks.target import HOST, Target, statuses, wire

pytestmark = pytest.mark.anyio
LORISES = 100
CROWD, PER_PROCESS = 10_000, 2_500
MAX_GROWTH = 96 * 2**20
OPEN_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\n"
OPEN_BODY = (
    b"POST /events/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
)


async def ended_after(target: Target, opening: bytes, limit_s: float) -> tuple[float, bytes]:
    """Opens a request and goes on a byte at a time; how long the server let it, and what it said."""
    began = time.monotonic()
    async with wire(target) as slow:
        alive, said = await slow.send(opening), b""
        while alive and time.monotonic() - began < limit_s:
            said += await slow.pace(0.1)
            alive = not slow.reader.at_eof() and slow.reader.exception() is None and await slow.send(b"a")
        return time.monotonic() - began, said


async def test_slow_heads_are_ended_while_others_are_served(target: Target) -> None:
    began = asyncio.gather(*(ended_after(target, OPEN_HEAD, 10) for _ in range(LORISES)))
    await target.alive()
    ended = await began
    assert max(seconds for seconds, _ in ended) < 5
    # Who goes on sending may lose the answer to the reset.
    told = [said for _, said in ended if said]
    assert told
    assert all(said.startswith(b"HTTP/1.1 408 ") and b"application/problem+json" in said for said in told)


async def test_control_slow_heads_without_the_limit_stay(bare: Target) -> None:
    seconds, said = await ended_after(bare, OPEN_HEAD, 4)
    assert (seconds >= 4, said) == (True, b"")


async def test_a_connection_that_says_nothing_is_ended(target: Target) -> None:
    async with wire(target) as silent:
        assert await silent.rest(5) == b""


async def test_slow_bodies_are_ended(target: Target) -> None:
    """Without a token the answer comes at once, it is the only one, and the rest of the body is not waited for."""
    seconds, said = await ended_after(target, OPEN_BODY, 10)
    assert seconds < 5
    assert statuses(said) == [401]


async def test_a_slow_body_that_is_waited_for_is_ended(target: Target, target_token: str) -> None:
    opening = OPEN_BODY.replace(b"Host: a\r\n", f"Host: a\r\nAuthorization: Bearer {target_token}\r\n".encode())
    seconds, said = await ended_after(target, opening, 10)
    assert 1.5 < seconds < 6
    assert said.startswith(b"HTTP/1.1 408 ") or not said


async def test_control_a_slow_body_without_the_limit_stays(bare: Target, bare_token: str) -> None:
    opening = OPEN_BODY.replace(b"Host: a\r\n", f"Host: a\r\nAuthorization: Bearer {bare_token}\r\n".encode())
    seconds, said = await ended_after(bare, opening, 5)
    assert (seconds >= 5, said) == (True, b"")


async def unread(target: Target, limit_s: float) -> bool:
    """Asks for much and reads nothing; True if the server ended it within the limit."""
    began = time.monotonic()
    async with wire(target) as greedy:
        greedy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while time.monotonic() - began < limit_s:
            try:
                async with asyncio.timeout(0.5):
                    alive = await greedy.send(b"GET /suitability/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
                    await asyncio.to_thread(target.livez)
            except TimeoutError:
                alive = True
            if not alive or greedy.writer.is_closing():
                return True
    return False


async def test_answers_that_nobody_reads_are_given_up(target: Target) -> None:
    assert await unread(target, 20)
    await target.alive()


@contextmanager
def crowd(port: int) -> Iterator[None]:
    """Ten thousand connections that wait, held by processes of their own."""
    command = [sys.executable, "-m", "tests.security.attacks.crowd", str(port), str(PER_PROCESS)]
    holders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(CROWD // PER_PROCESS)
    ]
    try:
        for holder in holders:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == str(PER_PROCESS)
        yield
    finally:
        for holder in holders:
            holder.communicate(timeout=60)


async def test_ten_thousand_connections(target: Target) -> None:
    """The service stays live, a probe gets in at once, memory stays within the bound, and all are gone in the end."""
    before = target.rss()
    with crowd(target.port):
        for _ in range(5):
            await target.alive()
        assert target.rss() - before < MAX_GROWTH
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{target.port}") as http:
        assert (await http.get("/readyz")).status_code == 200
