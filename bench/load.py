"""A lean HTTP/1.1 load generator: keep-alive connections that send prepared requests one after another."""

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

_HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Outcome:
    """What a run of requests gave: counts by status and the time from first byte out to last byte in."""

    seconds: float
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    last_error: bytes = b""

    @property
    def requests_per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def request(
    path: str, body: bytes, *, token: str = "", content_type: str = "application/json", extra: str = ""
) -> bytes:
    """The bytes of one POST."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\n{authorization}{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.head = b""

    @staticmethod
    async def open(host: str, port: int) -> "Connection":
        return Connection(*await asyncio.open_connection(host, port))

    def close(self) -> None:
        self._writer.close()

    async def send(self, payload: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; `head` is then its status line and headers."""
        self._writer.write(payload)
        head = self.head = await self._reader.readuntil(_HEAD_END)
        status = int(head[9:12])
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return status, await self._reader.readexactly(length) if length else b""


async def _work(host: str, port: int, requests: Iterator[bytes], outcome: Outcome) -> None:
    connection = await Connection.open(host, port)
    for payload in requests:
        started = time.perf_counter()
        status, body = await connection.send(payload)
        outcome.latencies_s.append(time.perf_counter() - started)
        outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
        if status >= 300:
            outcome.last_error = body[:400]
    connection.close()


def accepted(port: int, requests: Sequence[bytes], connections: int, *, allowed: Collection[int] = ()) -> Outcome:
    """`run` against this machine. Every answer must be one of `allowed`, or below 300 when nothing is named.

    Raises:
        RuntimeError: one was not; the counts and the last refusal are in it.
    """
    outcome = asyncio.run(run("127.0.0.1", port, requests, connections))
    if not all(status in allowed if allowed else status < 300 for status in outcome.statuses):
        raise RuntimeError(f"refused: {outcome.statuses} {outcome.last_error!r}")
    return outcome


async def run(host: str, port: int, requests: Sequence[bytes], connections: int) -> Outcome:
    """Sends every request once over so many connections and waits for all answers."""
    outcome = Outcome(0.0)
    shared = iter(requests)
    started = time.perf_counter()
    await asyncio.gather(*(_work(host, port, shared, outcome) for _ in range(connections)))
    outcome.seconds = time.perf_counter() - started
    return outcome
