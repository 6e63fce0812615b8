"""How a turn of an engine becomes a figure, shown on an engine of a few lines."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.streaming import measure
from bench.streaming.engine import EngineError, Job, Outcome, Position
from bench.streaming.measure import Mark, turn, window
from bench.streaming.usage import Sampler
from bench.streaming.workload import Standing, Workload

WORKLOAD = Workload(events=1_000, customers=10)
STEP = 50
ENDLESS = "print(0, flush=True); input()"
BUSY = "import time\nwhile time.process_time() < 0.4: pass\nprint(0, flush=True); input()"


@contextmanager
def process(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child that has said its first word and lives until the block ends."""
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.communicate(b"\n")


class Counting:
    """Commits fifty events each time it is asked, in no other process."""

    def __init__(self, pid: int) -> None:
        self._pid, self._done, self.stops = pid, 0, 0

    @property
    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"engine": [self._pid]}

    @property
    def taken(self) -> int:
        return self._done

    @property
    def at_the_end(self) -> bool:
        return self._done >= WORKLOAD.events

    async def position(self) -> Position:
        self._done = min(self._done + STEP, WORKLOAD.events)
        return (self._done,)

    async def stop(self) -> None:
        self.stops += 1


@dataclass
class CountingEngine:
    """An engine whose result is given to it."""

    run: Counting
    standings: Mapping[str, Standing]
    name: str = "counting"

    @property
    def settings(self) -> Mapping[str, object]:
        return {}

    def prepare(self) -> None:
        """Nothing to build."""

    async def start(self, job: Job) -> Counting:
        return self.run

    async def result(self, job: Job) -> Outcome:
        return Outcome(self.standings, lambda position: position[0])


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(measure, "QUIET_S", 0.1)
    return Job("t", "", "in", "out", 1, WORKLOAD, tmp_path)


def test_a_turn_is_timed_from_the_warm_up_to_the_last_commit(job: Job) -> None:
    """The first tenth is not counted, the quiet after the end neither."""
    with process(ENDLESS) as child:
        engine = CountingEngine(Counting(child.pid), WORKLOAD.expected())
        started = time.perf_counter()
        figure = asyncio.run(turn(engine, job, {}, WORKLOAD.expected()))
        took = time.perf_counter() - started
    assert figure.counted == 900
    assert figure.seconds <= took - measure.QUIET_S
    assert figure.events_per_second == pytest.approx(figure.counted / figure.seconds, rel=0.01)
    assert figure.peak_rss_mib["engine"] > 0
    assert engine.run.stops == 1


def test_a_turn_with_a_wrong_result_has_no_figure(job: Job) -> None:
    """One customer that stands a posting short is enough; the engine is stopped all the same."""
    wrong = WORKLOAD.expected()
    customer, standing = next(iter(wrong.items()))
    wrong[customer] = standing._replace(postings=standing.postings - 1)
    with process(ENDLESS) as child:
        engine = CountingEngine(Counting(child.pid), wrong)
        with pytest.raises(EngineError, match=customer):
            asyncio.run(turn(engine, job, {}, WORKLOAD.expected()))
    assert engine.run.stops == 1


def test_the_clock_needs_two_commits() -> None:
    """Where one commit covers warm-up and end, nothing can be timed."""
    marks = [Mark(0.0, 0), Mark(1.0, 60), Mark(2.0, 150), Mark(4.0, 1_000), Mark(5.0, 1_000)]
    assert window(marks, 1_000) == (Mark(2.0, 150), Mark(4.0, 1_000))
    with pytest.raises(EngineError, match="too few"):
        window([Mark(0.0, 0), Mark(1.0, 60), Mark(2.0, 1_000)], 1_000)


def test_the_end_must_be_seen() -> None:
    """Positions that never reach the last event give no figure."""
    with pytest.raises(EngineError, match="999"):
        window([Mark(0.0, 0), Mark(1.0, 150), Mark(2.0, 999)], 1_000)


def test_usage_is_that_of_the_process() -> None:
    """A process that used 0.4 s of processor time and then waits; the kernel counts in hundredths."""
    before = time.perf_counter()
    with process(ENDLESS) as idle, process(BUSY) as busy:
        sampler = Sampler({"busy": [busy.pid], "idle": [idle.pid]})
        sampler.start()
        sampler.stop()
        total = sampler.total_cpu_s("busy")
        assert total >= 0.35
        assert sampler.total_cpu_s("idle") < total
        assert sampler.others_cpu_s(before, time.perf_counter()) > -0.1
        assert sampler.cpu_s("idle", before, time.perf_counter()) <= 0.05
    assert sampler.peak_rss("busy") > 1 << 20
