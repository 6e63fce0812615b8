"""One engine's turn: start, watch the commits, stop, check, and make a figure of it. The same for all engines."""

import asyncio
import itertools
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.streaming.engine import Engine, EngineError, Job, Position, Run
from bench.streaming.usage import Sampler
from bench.streaming.verify import check
from bench.streaming.workload import Standing

WARM_UP_SHARE: Final = 0.10
LOOK_EVERY_S: Final = 0.02
QUIET_S: Final = 2.0
STAND_STILL_LIMIT_S: Final = 60.0
_MIB: Final = 1 << 20


class Mark(NamedTuple):
    """At a moment (time.perf_counter) the effects of so many events were seen to be committed."""

    at: float
    committed: int


class _Watched(NamedTuple):
    positions: list[tuple[float, Position]]
    first_taken: float
    all_taken: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What a turn came to. Times in seconds; `counted` events were committed within `seconds`.

    `others_share` is the part of the machine that neither the engine nor its companions used (the harness is in it).
    """

    events_per_second: float
    counted: int
    seconds: float
    start_up_s: float
    from_first_event_s: float
    wait_for_last_commit_s: float
    commits_seen: int
    commits_counted: int
    cpu_s: Mapping[str, float]
    cpu_us_per_event: Mapping[str, float]
    peak_rss_mib: Mapping[str, int]
    others_share: float


def window(marks: Sequence[Mark], events: int) -> tuple[Mark, Mark]:
    """Where the clock starts and stops: the first commit that covers the warm-up, and the last commit.

    Raises:
        EngineError: the warm-up's commit is the last one, so there is nothing to time.
    """
    if marks[-1].committed != events:
        raise EngineError(f"{marks[-1].committed} of {events} events were committed when it seemed to be at the end")
    first = next(mark for mark in marks if mark.committed >= events * WARM_UP_SHARE)
    if first.committed >= events:
        raise EngineError(f"one commit covered everything from the warm-up on: {events} events are too few")
    return first, next(mark for mark in marks if mark.committed >= events)


async def turn(
    engine: Engine, job: Job, beside: Mapping[str, Sequence[int]], expected: Mapping[str, Standing]
) -> Figure:
    """Runs `engine` once on `job`; `beside` names processes to measure with it, such as the broker.

    Raises:
        EngineError: it ended, stood still, or its result is wrong.
    """
    started = time.perf_counter()
    run = await engine.start(job)
    sampler = Sampler({**beside, **run.processes})
    try:
        sampler.start()
        watched = await _watch(run, job.workload.events)
    finally:
        sampler.stop()
        await run.stop()
    outcome = await engine.result(job)
    check(expected, outcome.standings)
    marks = [Mark(at, outcome.events_at(position)) for at, position in watched.positions]
    first, last = window(marks, job.workload.events)
    counted, seconds = last.committed - first.committed, last.at - first.at
    cpu = {role: sampler.cpu_s(role, first.at, last.at) for role in sampler.roles}
    return Figure(
        events_per_second=round(counted / seconds, 1),
        counted=counted,
        seconds=round(seconds, 3),
        start_up_s=round(watched.first_taken - started, 3),
        from_first_event_s=round(last.at - watched.first_taken, 3),
        wait_for_last_commit_s=round(last.at - watched.all_taken, 3),
        commits_seen=len(marks) - 1,
        commits_counted=sum(first.at < mark.at <= last.at for mark in marks),
        cpu_s={role: round(used, 2) for role, used in cpu.items()},
        cpu_us_per_event={role: round(used / counted * 1e6, 2) for role, used in cpu.items()},
        others_share=round(sampler.others_cpu_s(first.at, last.at) / seconds / (os.cpu_count() or 1), 3),
        peak_rss_mib={role: sampler.peak_rss(role) // _MIB for role in sampler.roles},
    )


async def _watch(run: Run, events: int) -> _Watched:
    """Every new position with its moment, until the last has stood for a while at what seems to be the end."""
    started = moved = time.perf_counter()
    positions: list[tuple[float, Position]] = []
    taken, first_taken, all_taken = 0, None, None
    for look in itertools.count(1):
        position, now = await run.position(), time.perf_counter()
        if not positions or position != positions[-1][1]:
            positions.append((now, position))
            moved = now
        if run.taken > taken:
            taken, moved = run.taken, now
            first_taken = first_taken or now
            all_taken = all_taken or (now if taken >= events else None)
        if run.at_the_end and now - moved >= QUIET_S:
            return _Watched(positions, first_taken or started, all_taken or positions[-1][0])
        if now - moved > STAND_STILL_LIMIT_S:
            raise EngineError(f"stands still at {position}, {taken} of {events} events taken")
        await asyncio.sleep(max(0.0, started + look * LOOK_EVERY_S - time.perf_counter()))
    raise AssertionError
