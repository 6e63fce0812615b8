"""A clock for banks whose days are not ours: it stands in the stream's time and runs on from there."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from tierflow_shared.clock import Clock, SystemClock


class PlayedClock(Clock, Protocol):
    """The clock of a server into which a stream is played."""

    def advance_to(self, moment: datetime) -> None:
        """The stream has come to this moment."""


class StreamClock:
    """Shows the time of the stream that is played: set forward by whoever plays it, and running in between.

    Used where the past is played as if it were today (the demo). Never moves backwards.
    """

    def __init__(self, start: datetime, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._base, self._since_s = start, monotonic_s()

    def now(self) -> datetime:
        with self._lock:
            return self._base + timedelta(seconds=self._monotonic_s() - self._since_s)

    def advance_to(self, moment: datetime) -> None:
        """From now on it is `moment`, unless it is later already."""
        with self._lock:
            running_s = self._monotonic_s()
            here = self._base + timedelta(seconds=running_s - self._since_s)
            self._base, self._since_s = max(moment, here), running_s


class RealClock(SystemClock):
    """For servers that keep the machine's time: a stream of the past does not move it."""

    def advance_to(self, moment: datetime) -> None:
        """It is as late as it is."""
