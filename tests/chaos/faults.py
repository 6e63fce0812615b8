"""Faults of the services, the clock, the disk and the producers, as the plan wants them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT
from typing import Final

from tests.chaos.plan import Fault
from tests.chaos.shapes import Shape
from tests.chaos.stack import Member, Services

_DIES_WITHIN_S: Final = 25.0
_STANDS_WITHIN_S: Final = 30.0
_LOST_WITHIN_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.1
_BURST: Final = 40
_RESENT_BATCHES: Final = 5


@dataclass(slots=True)
class Ground:
    """Everything a fault may touch."""

    services: Services
    shape: Shape
    clock_file: Path
    poison: Callable[[int], None]
    resend: Callable[[int], None]
    before_waking: Callable[[], None] = lambda: None
    restored_from_s: float | None = None  # when the restart of what had been down began


def _set_clock(file: Path, seconds: float) -> None:
    """At once: who reads the file finds the old number or the new one, never none."""
    other = file.with_suffix(".new")
    other.write_text(str(seconds), encoding="ascii")
    other.replace(file)


def strike(ground: Ground, fault: Fault) -> str | None:
    """Does it, for as long as it lasts. None when it happened, else why it did not."""
    kind, _, point = fault.kind.partition(":")
    match kind:
        case "kill":
            member = ground.services.members[fault.target]
            member.kill()
            member.spawn()
        case "crash":
            return _crash(ground.services.members[fault.target], f"{point}:{fault.passing}")
        case "restart":
            member = ground.services.members[fault.target]
            in_time = member.terminate()
            member.spawn()
            return None if in_time else "it did not end within its limit after SIGTERM and was killed"
        case "zombie":
            return _zombie(ground, fault)
        case "rebalance-storm":
            _storm(ground.services, fault)
        case "clock-step":
            _set_clock(ground.clock_file, fault.step_s)
            time.sleep(fault.duration_s)
            _set_clock(ground.clock_file, 0)
        case "poison":
            ground.poison(_BURST)
        case "resent-ids":
            ground.resend(_RESENT_BATCHES)
        case "disk-full":
            _hold(ground, ground.shape.fill_disk(), fault.duration_s)
        case _:
            _hold(ground, ground.shape.inject(fault.kind, fault.target), fault.duration_s)
    return None


def _hold(ground: Ground, end: Callable[[], None], duration_s: float) -> None:
    try:
        time.sleep(duration_s)
    finally:
        ground.restored_from_s = time.monotonic()
        end()


def _crash(member: Member, at: str) -> str | None:
    """The service starts armed, kills itself at the point, and is started again as it was."""
    member.terminate()
    member.spawn(TIERFLOW_CRASH_AT=at)
    died = member.wait_gone(_DIES_WITHIN_S)
    if not died:
        member.kill()
    member.spawn()
    return None if died else f"{at} was not passed within {_DIES_WITHIN_S:g} s"


def _zombie(ground: Ground, fault: Fault) -> str | None:
    """A second member stops itself with a batch in hand, loses its lease to the first one, and wakes up again."""
    member = ground.services.extra(fault.target)
    member.spawn(CHAOS_STOP_AT=f"after-poll:{fault.passing}")
    try:
        if not member.wait_suspended(_STANDS_WITHIN_S):
            return "it did not get a batch"
        held = _epochs(ground, fault.target)
        if not _lease_was_lost(ground, fault.target, held):
            return f"nobody took its partitions within {_LOST_WITHIN_S:g} s"
        time.sleep(fault.duration_s)  # so long the successor works
        ground.before_waking()
        member.signal(SIGCONT)
        time.sleep(fault.duration_s)
    finally:
        member.terminate()
    return None


def _epochs(ground: Ground, service: str) -> dict[tuple[str, int], int]:
    rows = ground.shape.source.rows(service, "SELECT topic, partition, epoch FROM consumer_position")
    return {(topic, partition): epoch for topic, partition, epoch in rows}


def _lease_was_lost(ground: Ground, service: str, held: dict[tuple[str, int], int]) -> bool:
    """True once somebody claimed partitions anew: a member that stands still took no part in that."""
    deadline = time.monotonic() + _LOST_WITHIN_S
    while time.monotonic() < deadline:
        if _epochs(ground, service) != held:
            return True
        time.sleep(_LOOK_AGAIN_S)
    return False


def _storm(services: Services, fault: Fault) -> None:
    """Members come, go in good order and die."""
    members: Sequence[Member] = [services.extra(fault.target) for _ in range(2)]
    try:
        for member in members:
            member.spawn()
        for member in members:
            member.wait_ready()
        time.sleep(fault.duration_s)
        members[0].terminate()
        time.sleep(fault.duration_s / 2)
    finally:
        for member in members:
            member.kill()
