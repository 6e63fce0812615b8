"""Requests that two servers could read in two ways: each gets one refusal, and nothing behind it is ever served."""

import pytest

from tests.security.attacks.target import Target, statuses, wire

pytestmark = pytest.mark.anyio
HOST = b"Host: a\r\n"
INNER = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(*fields: bytes, body: bytes = INNER) -> bytes:
    return b"POST /events/v1/events HTTP/1.1\r\n" + HOST + b"".join(fields) + b"\r\n" + body


def length(value: bytes) -> bytes:
    return b"Content-Length: " + value + b"\r\n"


SIZE = str(len(INNER)).encode()
PROBES = {
    "length-and-chunked": post(length(b"4"), CHUNKED, body=b"0\r\n\r\n" + INNER),
    "chunked-and-length": post(CHUNKED, length(b"4"), body=b"0\r\n\r\n" + INNER),
    "two-lengths": post(length(b"0"), length(SIZE)),
    "two-equal-lengths": post(length(SIZE), length(SIZE)),
    "length-list": post(length(b"0, " + SIZE)),
    "length-plus": post(length(b"+" + SIZE)),
    "length-negative": post(length(b"-1")),
    "length-hex": post(length(b"0x10")),
    "length-blank-inside": post(length(b"1 0")),
    "length-huge": post(length(b"9" * 30)),
    "chunked-twice": post(b"Transfer-Encoding: chunked\r\n" + CHUNKED + length(b"5"), body=b"0\r\n\r\n" + INNER),
    "chunked-then-identity": post(b"Transfer-Encoding: chunked, identity\r\n", body=b"0\r\n\r\n" + INNER),
    "unknown-encoding": post(b"Transfer-Encoding: xchunked\r\n", body=b"0\r\n\r\n" + INNER),
    "encoding-with-tab": post(b"Transfer-Encoding:\tx\r\n", body=b"0\r\n\r\n" + INNER),
    "blank-before-colon": post(b"Transfer-Encoding : chunked\r\n", length(b"5"), body=b"0\r\n\r\n" + INNER),
    "length-blank-before-colon": post(b"Content-Length : 0\r\n"),
    "folded-field": post(b"Transfer-Encoding:\r\n chunked\r\n", length(b"5"), body=b"0\r\n\r\n" + INNER),
    "folded-length": post(b"X: y\r\n Content-Length: 0\r\n", length(b"0"), CHUNKED),
    "bare-line-feed": b"POST /events/v1/events HTTP/1.1\nHost: a\nContent-Length: 0\n\n" + INNER,
    "bare-carriage-return": post(b"X: a\rContent-Length: 0\r\n", length(SIZE)),
    "null-in-field": post(b"X: a\x00b\r\n", length(b"0")),
    "null-in-name": post(b"X\x00: a\r\n", length(b"0")),
    "field-without-colon": post(b"Content-Length 0\r\n"),
    "chunk-size-sign": post(CHUNKED, body=b"-1\r\n\r\n" + INNER),
    "chunk-size-hex-prefix": post(CHUNKED, body=b"0x0\r\n\r\n" + INNER),
    "chunk-size-huge": post(CHUNKED, body=b"fffffffffffffffff\r\n" + INNER),
    "chunk-bare-line-feed": post(CHUNKED, body=b"1\nZ\n0\n\n" + INNER),
    "chunk-too-long": post(CHUNKED, body=b"1\r\nZZ\r\n0\r\n\r\n" + INNER),
    "version-1.2": b"GET /livez HTTP/1.2\r\n" + HOST + b"\r\n" + INNER,
    "version-9": b"GET /livez HTTP/9.9\r\n" + HOST + b"\r\n" + INNER,
    "old-version-chunked": b"POST /livez HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "connect": b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n" + INNER,
    "two-hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no-host": b"GET /livez HTTP/1.1\r\n\r\n",
    "not-http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "control-in-target": b"GET /li\x01vez HTTP/1.1\r\n" + HOST + b"\r\n" + INNER,
    "raw-bytes-in-target": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n" + INNER,
}


@pytest.mark.parametrize("name", PROBES)
async def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_served(name: str, target: Target) -> None:
    async with wire(target) as one:
        await one.send(PROBES[name])
        said = await one.rest()
    assert statuses(said) in ([400], [413]), said
    assert b"connection: close" in said
    assert b"x-content-type-options: nosniff" in said
    await target.alive()


async def test_control_two_plain_requests_get_two_answers(target: Target) -> None:
    """What stands behind a request is served when there is no doubt where the first one ends."""
    async with wire(target) as one:
        await one.send(post(length(b"0"), body=INNER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
        said = await one.rest()
    assert statuses(said) == [401, 200]


async def test_a_trailer_is_never_taken_for_a_field(target: Target, target_token: str) -> None:
    """A token behind the body opens nothing."""
    late = f"0\r\nAuthorization: Bearer {target_token}\r\n\r\n".encode()
    request = b"POST /events/v1/events HTTP/1.1\r\n" + HOST + CHUNKED + b"Connection: close\r\n\r\n" + late
    async with wire(target) as one:
        await one.send(request)
        assert (await one.rest()).startswith(b"HTTP/1.1 401 ")
