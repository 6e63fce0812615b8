"""Toxiproxy between the services and what they need: connections that are cut, refused or slow."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import httpx

from tests.chaos.stack import StackError
from tierflow_stack.free_ports import free_port

MODULE: Final = "github.com/Shopify/toxiproxy/v2/cmd/server"
VERSION: Final = "v2.12.0"
_BUILD_S: Final = 600
_START_S: Final = 10.0
_LATENCY_MS: Final = 150
_KILOBYTES_PER_S: Final = 2_000


def program() -> Path | None:
    """Toxiproxy's server from the cache, built there once by Go; None where Go is missing."""
    cache = Path(os.environ.get("TIERFLOW_CACHE_DIR") or Path.home() / ".cache" / "tierflow")
    folder = cache / f"toxiproxy-{VERSION}"
    if not (folder / "server").is_file():
        go = shutil.which("go")
        if go is None:
            return None
        command = [go, "install", f"{MODULE}@{VERSION}"]
        place = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-modcacherw"}
        done = subprocess.run(command, env=place, capture_output=True, text=True, check=False, timeout=_BUILD_S)
        if done.returncode:
            raise StackError(f"Toxiproxy could not be built:\n{done.stderr[-1000:]}")
    return folder / "server"


class Proxies:
    """One Toxiproxy with a proxy for each target."""

    def __init__(self, server: Path, log: Path) -> None:
        self._server, self._log, self._port = server, log, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=5.0)

    def start(self, targets: Mapping[str, tuple[int, int]]) -> None:
        """Starts it with proxies `name: (port to listen on, port behind it)`."""
        command = [str(self._server), "-host", "127.0.0.1", "-port", str(self._port)]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_up()
        for name, (listen, upstream) in targets.items():
            self._post("/proxies", name=name, listen=f"127.0.0.1:{listen}", upstream=f"127.0.0.1:{upstream}")

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._client.get("/version")
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise StackError("Toxiproxy did not start") from None
                time.sleep(0.05)
            else:
                return

    def _post(self, path: str, **body: object) -> None:
        self._client.post(path, json=body).raise_for_status()

    def cut(self, name: str) -> Callable[[], None]:
        """Ends all connections and refuses new ones; the answer lets them through again."""
        self._post(f"/proxies/{name}", enabled=False)
        return lambda: self._post(f"/proxies/{name}", enabled=True)

    def slow(self, name: str) -> Callable[[], None]:
        """Each answer comes late and the line is narrow."""
        toxics = f"/proxies/{name}/toxics"
        late = {"latency": _LATENCY_MS, "jitter": _LATENCY_MS // 3}
        self._post(toxics, name="late", type="latency", stream="downstream", attributes=late)
        self._post(toxics, name="narrow", type="bandwidth", stream="upstream", attributes={"rate": _KILOBYTES_PER_S})

        def end() -> None:
            for toxic in ("late", "narrow"):
                self._client.delete(f"{toxics}/{toxic}").raise_for_status()

        return end

    def stop(self) -> None:
        self._client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
