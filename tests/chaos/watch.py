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
        self.last_waited_for = ""

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

    def _waits_for(self, ends: Mapping[Place, int]) -> str:
        """What is not well yet, "" if everything is."""
        name = "databases and log"
        try:
            for name in SERVICES:
                if self._client.get(f"{self._services.url(name)}/readyz").status_code != 200:
                    return f"{name} to be ready"
            late = {service: count for service, count in self.behind(ends).items() if count}
        except self._errors as error:
            return f"{name} ({type(error).__name__})"
        return f"{max(late, key=lambda service: late[service])} to read" if late else ""

    def recovery_s(
        self, since: float, *, limit_s: float, needs_ack: bool, keep_alive: Callable[[], object]
    ) -> float | None:
        """Seconds from `since` (the end of the fault) until everything is well; None if not within the limit."""
        ends = self.ends()
        self.last_waited_for = ""
        while time.monotonic() - since < limit_s:
            keep_alive()
            acknowledged = not needs_ack or self._tally.last_ack_s > since
            waits_for = self._waits_for(ends) if acknowledged else "an acknowledgement"
            if not waits_for:
                return time.monotonic() - since
            self.last_waited_for = waits_for
            time.sleep(_LOOK_AGAIN_S)
        return None

    def close(self) -> None:
        self._client.close()
