"""A Tierflow server as a child process: started on a free port, waited for, and ended within a limit."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tierflow_embedded.free_ports import free_port
from tierflow_shared.web.client import ApiClient, ApiError, Endpoints, UnreachableError

LOG_FILE: Final = "server.log"
_SLICE_S: Final = 0.5


class ServerError(Exception):
    """The server did not come up; the text says where its log lies."""


def wait_until_ready(address: str, *, limit_s: float, still_starting: Sequence["ServerProcess"] = ()) -> None:
    """Returns when `/readyz` answers.

    Raises:
        ServerError: the limit is over, or a process that was waited for has ended.
    """
    waited_s = 0.0
    with ApiClient(Endpoints(address, {}), "", timeout_s=5, patience_s=_SLICE_S) as client:
        while True:
            try:
                client.get("/readyz")
            except (ApiError, UnreachableError) as error:
                waited_s += _SLICE_S
                for process in still_starting:
                    process.raise_if_ended()
                if waited_s >= limit_s:
                    raise ServerError(f"{address} is not ready after {limit_s:.0f} s: {error}") from None
            else:
                return


class ServerProcess:
    """`tierflow serve` as a child. `restart` keeps port and data, so a client can wait a crash out."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        log_file: str = LOG_FILE,
    ) -> None:
        self.data_dir, self.port = data_dir, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments, self._environment = arguments, environment or {}
        self._log_path = data_dir / log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready_within_s: float = 30.0) -> Self:
        """Starts the server and waits until it is ready."""
        self.spawn()
        return self.wait(ready_within_s=ready_within_s)

    def wait(self, *, ready_within_s: float = 30.0) -> Self:
        """Waits until a spawned server is ready; one that does not become ready is ended."""
        try:
            wait_until_ready(self.url, limit_s=ready_within_s, still_starting=[self])
        except ServerError:
            self.kill()
            raise
        return self

    def spawn(self) -> None:
        """Starts the server without waiting."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tierflow_embedded", "serve", "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir), *self._arguments]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **self._environment}
            )

    def raise_if_ended(self) -> None:
        """Raises `ServerError` when the process is no longer there."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise ServerError(f"the server ended with code {code}; the last line of {self._log_path}: {self._last()}")

    def _last(self) -> str:
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "(empty)"

    def kill(self) -> None:
        """Ends it as a crash would: nothing is flushed, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)

    def stop(self, *, within_s: float = 20.0) -> None:
        """Ends it in good order; after the limit, by force."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
