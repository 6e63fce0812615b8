"""The load: the Berka bank sent through the gateway, again and again until all accidents are over.

The first pass brings everything in. Later ones send the same events once more, which has no effect but is work for
every part; each pass reconciles the whole bank.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.k8s_e2e.notes import FailedError

_LIMIT_S: Final = 1_800
_PATIENCE_S: Final = 300
_END_LIMIT_S: Final = 30


def command(data: Path, *words: str) -> list[str]:
    """`tierflow replay berka` with its result as JSON."""
    return [sys.executable, "-m", "tierflow_embedded", "replay", "berka", str(data), "--json", *words]


def clean_environment() -> dict[str, str]:
    """Ours, without settings of Tierflow."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIERFLOW_")}


def alone(data: Path, words: tuple[str, ...]) -> dict[str, Any]:
    """The same bank in one process on SQLite: what must come out."""
    done = subprocess.run(
        command(data, *words), env=clean_environment(), capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    return told(done.stdout, done.stderr)


def told(output: str, errors: str) -> dict[str, Any]:
    """The JSON object in the last line.

    Raises:
        FailedError: there is none.
    """
    try:
        found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise FailedError(f"the replay did not end well: {errors.strip()[-600:]}") from None
    return found


class Replays:
    """Passes one after another on a thread, until `enough` was said and the pass under way is over."""

    def __init__(self, data: Path, words: tuple[str, ...], url: str, variables: dict[str, str]) -> None:
        self._command = command(data, *words, "--url", url, "--wait-for-server", str(_PATIENCE_S))
        self._environment = {**clean_environment(), **variables}
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._send, name="replays", daemon=True)
        self._process: subprocess.Popen[str] | None = None
        self.passes: list[dict[str, Any]] = []
        self.problem: Exception | None = None

    @property
    def under_way(self) -> int:
        """The number of the pass that is being sent, from 1."""
        return len(self.passes) + 1

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        if error is not None and self._process is not None:
            self._process.terminate()
        self._thread.join(timeout=_END_LIMIT_S if error is not None else _LIMIT_S)

    def finish(self) -> list[dict[str, Any]]:
        """Waits for the pass under way; returns what each pass found.

        Raises:
            FailedError: a pass did not end as it should.
        """
        self._enough.set()
        self._thread.join(timeout=_LIMIT_S)
        if self.problem is not None:
            raise FailedError(str(self.problem)) from self.problem
        if self._thread.is_alive() or not self.passes:
            raise FailedError(f"the replay is not over after {_LIMIT_S} s")
        return self.passes

    def check(self) -> None:
        """Raises `FailedError` when no load is being sent any more."""
        if self.problem is not None:
            raise FailedError(str(self.problem)) from self.problem

    def _send(self) -> None:
        try:
            while not self._enough.is_set():
                self.passes.append(self.one_pass())
        except Exception as error:  # it is shown by the thread that waits for us
            self.problem = error

    def one_pass(self) -> dict[str, Any]:
        """Sends the bank once; returns what the reconciliation found."""
        with subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            self._process = process
            output, errors = process.communicate(timeout=_LIMIT_S)
        return told(output, errors)
