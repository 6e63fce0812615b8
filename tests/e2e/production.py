"""The production shape as an operator handles it: by its commands, in a folder of its own."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tierflow_embedded.replay.waiting import read_log
from tierflow_shared.web.client import SERVICES, ApiClient, Endpoints
from tierflow_stack.free_ports import free_port
from tierflow_stack.postgres import find_programs

LIMIT_S: Final = 240
SERVERS: Final = ("kafka", "postgresql")
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path, heading: str) -> str:
    """The shell commands that a page shows under a heading."""
    section = page.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = _BLOCK.findall(section)
    assert found, f"no commands under {heading}"
    return "\n".join(found)


class Production:
    """A stack in `home/var/stack`; `environment` is what the operator has set."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home, self.folder = home, home / "var" / "stack"
        programs = f"{Path(sys.executable).parent}:{find_programs()}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TIERFLOW_")}
        for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL", "STACK_DIR", "PORTS"):
            clean.pop(name, None)
        self.environment = {**clean, "PATH": f"{programs}:{os.environ['PATH']}", **environment}

    def shell(self, script: str, *, check: bool = True) -> str:
        """What commands print, errors included, run as an operator would."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.home, env=self.environment, timeout=LIMIT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stdout
        return done.stdout

    def stack(self, words: str, *, check: bool = True) -> str:
        return self.shell(f"python -m tierflow_stack {words}", check=check)

    def begin(self, words: str) -> "subprocess.Popen[str]":
        """A command of tierflow that finds the stack by its file of variables."""
        script = f". var/stack/client.env; exec tierflow {words}"
        return subprocess.Popen(
            ["bash", "-c", script], cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def tierflow(self, words: str) -> str:
        return self.shell(f". var/stack/client.env; tierflow {words}")

    def status(self) -> dict[str, str]:
        """The lines of the table, by name."""
        lines = self.stack("status", check=False).splitlines()[1:]
        return {line.split()[0]: line for line in lines}

    def pid(self, service: str) -> int:
        return int((self.folder / "run" / f"{service}.pid").read_text())

    @contextmanager
    def client(self) -> Iterator[ApiClient]:
        lines = (self.folder / "client.env").read_text().splitlines()
        told = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        token = self.tierflow("token --subject test --scope all").strip().splitlines()[-1]
        with ApiClient(Endpoints.parse(told["TIERFLOW_URL"].strip("'")), token, patience_s=60) as client:
            yield client

    def positions(self, service: str) -> Any:
        with self.client() as client:
            return client.get(f"/{service}/v1/progress")["positions"]


@contextmanager
def production(environment: Mapping[str, str] | None = None) -> Iterator[Production]:
    """A folder that PostgreSQL's user can reach, on free ports. Whatever happens, nothing of it runs afterwards."""
    with tempfile.TemporaryDirectory(prefix="tierflow-up-") as name:
        Path(name).chmod(0o755)
        ports = {free_port() for _ in range(20)}
        four = ",".join(str(ports.pop()) for _ in SERVICES)
        own = {"PORTS": four, "KAFKA_PORT": str(ports.pop()), "POSTGRES_PORT": str(ports.pop())}
        operated = Production(Path(name), {**own, **(environment or {})})
        try:
            yield operated
        finally:
            operated.stack("down", check=False)


def until(true: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Asks again and again; each question takes its time by itself."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, what


def messages(client: ApiClient) -> int:
    """How many messages the log holds."""
    return sum(read_log(client).values())


__all__ = ["SERVERS", "Production", "commands", "messages", "production", "until"]
