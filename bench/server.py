"""Starts the product, or the peer, as a process of its own on a free port and stops it in the end."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from tierflow_shared.clock import SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES
from tierflow_stack.stack import Stack

START_LIMIT_S = 60.0


@contextlib.contextmanager
def process(command: list[str], ready_url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until the block ends."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(server, ready_url, log)
            yield server
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False).status_code < 500:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server was not ready within {START_LIMIT_S:.0f} s: {log.read_text()[-2000:]}")


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tierflow(folder: Path, port: int) -> list[str]:
    """The command that serves all four services from a folder."""
    return [str(Path(sys.executable).parent / "tierflow"), "serve", "--port", str(port), "--data-dir", str(folder)]


def noop(port: int) -> list[str]:
    """The command that serves the peer, with the same server settings."""
    options = [
        "--port",
        str(port),
        "--no-access-log",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--log-level",
        "warning",
    ]
    return [sys.executable, "-m", "uvicorn", "bench.noop:app", *options]


def token(folder: Path, subject: str, customer: str | None = None) -> str:
    """A token with every scope from the folder's own issuer."""
    issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=folder), SystemClock())
    return issuer.mint(subject, ALL_SCOPES, timedelta(hours=2), customer)


def addresses(stack: Stack) -> dict[str, str]:
    """The URL of each service of a stack that is up."""
    return dict(part.split("=", 1) for part in stack.client_environment()["TIERFLOW_URL"].split(","))


def stack_token(stack: Stack) -> str:
    """A token with every scope, signed by the key of a stack."""
    tool = str(Path(sys.executable).parent / "tierflow")
    words = [tool, "token", "--subject", "bench", "--scope", "all", "--hours", "12"]
    environment = {**os.environ, **stack.client_environment()}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()
