"""Lag and recovery, read from the databases and the log.

A fault's recovery time runs from the end of the fault (the killed process was started again, the connection restored,
the clock stepped) until every service answers `/readyz` and has read everything that lay on the log when the fault
ended, and a producer got a new acknowledgement.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from tests.chaos.load import Tally
from tests.chaos.reading import Place, Source, positions
from tests.chaos.stack import SERVICES, Services

_LOOK_AGAIN_S: Final = 0.1
READING_ERRORS: tuple[type[Exception], ...] = (sqlite3.Error, OSError, httpx.TransportError)


class Watch:
    """Looks at lag from outside."""

    def __init__(self, source: Source, services: Services, tally: Tally, errors: tuple[type[Exception], ...]) -> None:
        self._source, self._services, self._tally = source, services, tally
        self._errors = (*READING_ERRORS, *errors)
        self._client = httpx.Client(timeout=2.0)

    def ends(self, limit_s: float = 60.0) -> Mapping[Place, int]:
        """The log's ends, as soon as it can be asked."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                return self._source.ends()
            except self._errors:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_AGAIN_S)

    def behind(self, ends: Mapping[Place, int]) -> dict[str, int]:
        """How many messages before `ends` each service has not read."""
        return {
            service: sum(max(0, ends[place] - offset) for place, offset in positions(self._source, service).items())
            for service in SERVICES
        }

    def _is_well(self, ends: Mapping[Place, int]) -> bool:
        try:
            ready = all(self._client.get(f"{self._services.url(name)}/readyz").status_code == 200 for name in SERVICES)
            return ready and not any(self.behind(ends).values())
        except self._errors:
            return False

    def recovery_s(
        self, since: float, *, limit_s: float, needs_ack: bool, keep_alive: Callable[[], object]
    ) -> float | None:
        """Seconds from `since` (the end of the fault) until everything is well; None if not within the limit."""
        ends = self.ends()
        while time.monotonic() - since < limit_s:
            keep_alive()
            acknowledged = not needs_ack or self._tally.last_ack_s > since
            if acknowledged and self._is_well(ends):
                return time.monotonic() - since
            time.sleep(_LOOK_AGAIN_S)
        return None

    def close(self) -> None:
        self._client.close()
