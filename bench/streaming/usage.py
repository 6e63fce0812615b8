"""Memory and processor time of process trees while an engine works."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil

PERIOD_S = 0.1


class Sample(NamedTuple):
    """One look at one role: `at` on the clock of time.perf_counter, `cpu_s` of user and system, `rss` in bytes."""

    at: float
    cpu_s: float
    rss: int


class _Machine(NamedTuple):
    at: float
    busy_s: float


class Sampler:
    """Looks at the trees of some processes ten times a second, in a thread, from `start` to `stop`."""

    def __init__(self, processes: Mapping[str, Sequence[int]]) -> None:
        self._roots = {role: [psutil.Process(pid) for pid in pids] for role, pids in processes.items()}
        self._samples: dict[str, list[Sample]] = {role: [] for role in self._roots}
        self._used: dict[str, dict[int, float]] = {role: {} for role in self._roots}
        self._machine: list[_Machine] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="usage", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """A last look; safe to repeat."""
        if not self._end.is_set():
            self._end.set()
            self._thread.join()
            self._look()

    def _work(self) -> None:
        while not self._end.wait(PERIOD_S):
            self._look()

    def _look(self) -> None:
        self._machine.append(_Machine(time.perf_counter(), _busy_s()))
        for role, roots in self._roots.items():
            seen, rss = self._used[role], 0
            for process in itertools.chain.from_iterable(map(_tree, roots)):
                try:
                    with process.oneshot():
                        times, memory = process.cpu_times(), process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                # A child that ended keeps what it had used when it was last seen.
                seen[process.pid] = times.user + times.system
                rss += memory
            if rss:
                self._samples[role].append(Sample(time.perf_counter(), sum(seen.values()), rss))

    def cpu_s(self, role: str, start: float, end: float) -> float:
        """Processor seconds between two moments, to the nearest look."""
        return self._at(role, end).cpu_s - self._at(role, start).cpu_s

    def total_cpu_s(self, role: str) -> float:
        """Processor seconds since the processes began."""
        return self._samples[role][-1].cpu_s

    def peak_rss(self, role: str) -> int:
        """The most resident bytes the role's tree had at once."""
        return max((sample.rss for sample in self._samples[role]), default=0)

    def others_cpu_s(self, start: float, end: float) -> float:
        """Processor seconds of everything else on the machine, time stolen from it included, between two moments."""
        first, last = (min(self._machine, key=lambda look: abs(look.at - moment)) for moment in (start, end))
        return last.busy_s - first.busy_s - sum(self.cpu_s(role, first.at, last.at) for role in self.roles)

    @property
    def roles(self) -> list[str]:
        """The roles that were seen at work."""
        return [role for role, samples in self._samples.items() if samples]

    def _at(self, role: str, moment: float) -> Sample:
        return min(self._samples[role], key=lambda sample: abs(sample.at - moment))


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)
