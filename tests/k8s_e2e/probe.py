"""A reader who never stops: one GET after another through the gateway, each failure kept."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import httpx

_PAUSE_S: Final = 0.1
_LIMIT_S: Final = 10.0
_EXAMPLES: Final = 10


@dataclass(slots=True)
class Tally:
    """What the reader saw. A request whose connection was closed is sent once more before it counts as failed."""

    requests: int = 0
    again: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


class Reader:
    """Reads `paths` in turn until it is stopped; what it saw is counted under the name of the current `chapter`."""

    def __init__(self, url: str, paths: Sequence[str], token: Callable[[], str]) -> None:
        self._url, self._paths, self._token = url, paths, token
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self.chapters: dict[str, Tally] = {}
        self.chapter = "start"

    @property
    def tally(self) -> Tally:
        """What was seen in the current chapter."""
        return self.chapters.setdefault(self.chapter, Tally())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=3 * _LIMIT_S)

    def _read(self) -> None:
        turn = 0
        with httpx.Client(base_url=self._url, timeout=_LIMIT_S, trust_env=False) as client:
            while not self._ended.wait(_PAUSE_S):
                path = self._paths[turn % len(self._paths)]
                turn += 1
                self._ask(client, path, self.tally)

    def _ask(self, client: httpx.Client, path: str, tally: Tally) -> None:
        tally.requests += 1
        for last_try in (False, True):
            started = time.monotonic()
            try:
                status = str(client.get(path, headers={"Authorization": f"Bearer {self._token()}"}).status_code)
            except httpx.TransportError as error:
                status = type(error).__name__
                if not last_try and not isinstance(error, httpx.TimeoutException):
                    tally.again += 1
                    continue
            tally.slowest_s = max(tally.slowest_s, time.monotonic() - started)
            if status != "200":
                tally.failed[status] += 1
                if len(tally.examples) < _EXAMPLES:
                    tally.examples.append(f"{path}: {status}")
            return
