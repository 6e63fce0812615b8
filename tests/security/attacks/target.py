"""A real server to attack, and raw connections to it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import psutil

from tierflow_embedded.process import ServerProcess
from tierflow_shared.clock import SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

HOST: Final = "127.0.0.1"
# Short, so that the tests are; the protections are the same as with the defaults.
QUICK: Final[Mapping[str, str]] = {
    "TIERFLOW_HEAD_TIMEOUT_S": "1",
    "TIERFLOW_BODY_TIMEOUT_S": "2",
    "TIERFLOW_WRITE_TIMEOUT_S": "2",
    "TIERFLOW_MAX_CONNECTIONS": "1000",
}
# As good as switched off within the seconds that a test lasts: the control of each attack.
BARE: Final[Mapping[str, str]] = {
    "TIERFLOW_HEAD_TIMEOUT_S": "300",
    "TIERFLOW_BODY_TIMEOUT_S": "300",
    "TIERFLOW_WRITE_TIMEOUT_S": "300",
    "TIERFLOW_MAX_HEAD_BYTES": "1048576",
    "TIERFLOW_MAX_CONNECTIONS": "1000000",
}
LIVE_WITHIN_S: Final = 5.0
READY_WITHIN_S: Final = 120.0


@dataclass(frozen=True)
class Target:
    """A running server."""

    port: int
    pid: int
    token: str

    def rss(self) -> int:
        """The memory of the server process, in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def livez(self) -> float:
        """Asks on a new connection whether the server is live; returns the seconds that took."""
        began = time.monotonic()
        answer = httpx.get(f"http://{HOST}:{self.port}/livez", timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return time.monotonic() - began

    async def alive(self) -> None:
        """The server answers a stranger's probe in time."""
        assert await asyncio.to_thread(self.livez) < LIVE_WITHIN_S


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[Target]:
    """A server with these settings, all services in one process."""
    server = ServerProcess(folder, environment=settings)
    try:
        server.start(ready_within_s=READY_WITHIN_S)
        assert server._process is not None
        issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=folder), SystemClock())
        token = issuer.mint("attacker", ALL_SCOPES, timedelta(hours=1))
        yield Target(server.port, server._process.pid, token)
    finally:
        server.stop()


def statuses(said: bytes) -> list[int]:
    """The statuses of the answers in what a server said."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", said)]


@dataclass
class Wire:
    """A raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, raw: bytes) -> bool:
        """Sends; False when the server has closed the connection."""
        try:
            self.writer.write(raw)
            await self.writer.drain()
        except (ConnectionError, OSError):
            return False
        return not self.reader.at_eof()

    async def rest(self, within_s: float = 10.0) -> bytes:
        """What comes until the server closes the connection."""
        received = bytearray()
        try:
            async with asyncio.timeout(within_s):
                while part := await self.reader.read(65_536):
                    received += part
        except ConnectionError:
            pass
        return bytes(received)

    async def pace(self, seconds: float) -> bytes:
        """What comes within so many seconds; b"" if nothing does."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read(65_536)
        except (TimeoutError, ConnectionError):
            return b""


@asynccontextmanager
async def wire(target: Target) -> AsyncIterator[Wire]:
    """A connection that is closed at the end."""
    reader, writer = await asyncio.open_connection(HOST, target.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
