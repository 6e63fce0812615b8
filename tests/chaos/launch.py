"""`tierflow …` as the campaign starts it: the product, with what a test may change at the start of the process.

- `CHAOS_CLOCK_FILE`: a file with a number of seconds; the machine's clock is read that much ahead of (or behind) the
  truth, looked up again after each change of the file.
- `CHAOS_LEASE_S`: how long a silent member of the SQLite log keeps its partitions.
- `CHAOS_STOP_AT=point[:n]`: the process stops itself (SIGSTOP) at a crash point, to become a zombie.
- `CHAOS_WITHOUT=dedupe|fencing|atomic-offset|atomic-outbox`: one protection is off, for a control.
"""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos import sabotage
from tierflow_shared import crash_points
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import SystemClock


class SteppedClock:
    """The machine's clock plus what the file says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen_ns, self._offset = -1, timedelta()

    def now(self, _clock: SystemClock | None = None) -> datetime:
        written_ns = self._path.stat().st_mtime_ns
        if written_ns != self._seen_ns:
            self._seen_ns, self._offset = written_ns, timedelta(seconds=float(self._path.read_text()))
        return datetime.now(UTC) + self._offset


def prepare() -> None:
    """Changes what the environment asks for."""
    clock_file = os.environ.get("CHAOS_CLOCK_FILE")
    if clock_file:
        clock = SteppedClock(Path(clock_file))
        SystemClock.now = lambda _self: clock.now()  # type: ignore[method-assign, assignment]
    lease_s = os.environ.get("CHAOS_LEASE_S")
    if lease_s:
        defaults = SqliteBus.__init__.__kwdefaults__
        assert defaults is not None
        defaults.update(lease_s=float(lease_s), heartbeat_s=float(lease_s) / 5)
    stop_at = os.environ.get("CHAOS_STOP_AT")
    if stop_at:
        crash_points.reached = crash_points.armed(stop_at, lambda: os.kill(os.getpid(), signal.SIGSTOP))
    without = os.environ.get("CHAOS_WITHOUT")
    if without:
        sabotage.SABOTAGES[without]()


if __name__ == "__main__":
    prepare()
    from tierflow_embedded.cli import app

    app(prog_name="tierflow")
