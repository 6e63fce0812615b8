"""The services as processes of the campaign: started, armed, killed, stopped and continued by name."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from tierflow_stack.free_ports import free_port

SERVICES: Final = ("events", "scoring", "contact-planner", "suitability")
ROOT: Final = Path(__file__).parents[2]
READY_S: Final = 90.0
_LOOK_AGAIN_S: Final = 0.05


class StackError(Exception):
    """A service did not do what it was told to; the text says which and where its log lies."""


class Member:
    """One process of a service. `extra` members share the service's database and group under another port."""

    def __init__(self, service: str, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.service, self.name, self._folder = service, name, folder
        self._environment = {**environment, "TIERFLOW_KAFKA_INSTANCE_ID": name}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._folder / "logs" / f"{self.name}.log"

    def spawn(self, **environment: str) -> None:
        """Starts the process without waiting, with more environment for this life of it alone."""
        assert not self.is_running, f"{self.name} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.chaos.launch", "serve", "--service", self.service]
        command += ["--port", str(self.port), "--data-dir", str(self._folder / "data"), "--currency", "CNY"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self._environment, **environment},
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_suspended(self) -> bool:
        """True while SIGSTOP holds it."""
        if not self.is_running:
            return False
        assert self._process is not None
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if it runs."""
        if self.is_running:
            assert self._process is not None
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=30)

    def terminate(self, within_s: float = 30.0) -> bool:
        """SIGTERM; False if it had to be killed after the limit."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self.wait_gone(within_s):
            return True
        self.kill()
        return False

    def wait_gone(self, within_s: float) -> bool:
        """True when it has ended within the limit."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_suspended(self, within_s: float) -> bool:
        """True when it stands still within the limit."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.is_suspended:
                return True
            time.sleep(_LOOK_AGAIN_S)
        return False

    def wait_ready(self, within_s: float = READY_S) -> None:
        """Waits until `/readyz` answers 200.

        Raises:
            StackError: it ended, or the limit is over.
        """
        deadline = time.monotonic() + within_s
        with httpx.Client(timeout=3.0) as client:
            while not _is_ready(client, self.url):
                if not self.is_running or time.monotonic() > deadline:
                    raise StackError(f"{self.name} is not ready; its last words ({self.log}):\n{self._last_words()}")
                time.sleep(_LOOK_AGAIN_S)

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:]


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


class Services:
    """The four services, each with one member and, while a fault wants it, extra ones."""

    def __init__(self, folder: Path, environments: Mapping[str, Mapping[str, str]]) -> None:
        self._folder, self._environments = folder, environments
        self.members = {name: Member(name, name, folder, environments[name]) for name in SERVICES}
        self._extra: list[Member] = []

    def url(self, service: str) -> str:
        return self.members[service].url

    def extra(self, service: str) -> Member:
        """One more member of a service, not started yet."""
        member = Member(service, f"{service}-extra-{len(self._extra)}", self._folder, self._environments[service])
        self._extra.append(member)
        return member

    def start(self, **environment: str) -> None:
        """Starts those that do not run, and waits until all are ready."""
        for member in self.members.values():
            if not member.is_running:
                member.spawn(**environment)
        for member in self.members.values():
            member.wait_ready()

    def keep_alive(self) -> Sequence[str]:
        """Starts again whoever died on its own, as a supervisor does; returns their names."""
        dead = [member for member in self.members.values() if not member.is_running]
        for member in dead:
            member.spawn()
        return [member.name for member in dead]

    def stop(self) -> None:
        """Ends everything, the hard way if need be."""
        everybody = [*self.members.values(), *self._extra]
        for member in everybody:
            member.signal(signal.SIGCONT)
            member.signal(signal.SIGTERM)
        for member in everybody:
            if not member.wait_gone(20.0):
                member.kill()
