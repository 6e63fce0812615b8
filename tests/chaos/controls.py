"""Controls: the same short campaign with one protection taken away. The checker must find what comes of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.campaign import Campaign, Orders, Result, Say
from tests.chaos.plan import Fault
from tests.chaos.shapes import Shape

OpenShape = Callable[[Path], Shape]
_LENGTH_S: Final = 8.0


class Control(NamedTuple):
    """A protection, the faults that need it, and what the checker calls the damage."""

    name: str
    without: str
    plan: Sequence[Fault]
    damage: frozenset[str]
    late: bool = False


class Verdict(NamedTuple):
    """Whether a control failed as it must; `found` says what the checker saw."""

    name: str
    failed_as_it_must: bool
    found: dict[str, int]
    example: str


def _fault(number: int, at_s: float, kind: str, target: str, duration_s: float = 0.0, passing: int = 1) -> Fault:
    return Fault(number, at_s, kind, target, duration_s, passing, 0.0)


CONTROLS: Final = (
    Control("dedupe off", "dedupe", [_fault(0, 4.0, "resent-ids", "producers")], frozenset({"doubled"})),
    Control(
        "fencing off",
        "fencing",
        [_fault(0, 2.0, "zombie", "scoring", 1.5)],
        frozenset({"lost", "doubled", "wrong_state"}),
        late=True,
    ),
    Control(
        "commit before write",
        "atomic-offset",
        [_fault(0, 2.0, "crash:before-commit", "scoring", passing=2)],
        frozenset({"lost"}),
    ),
    Control(
        "outbox in another transaction",
        "atomic-outbox",
        [_fault(0, 2.0, "crash:after-commit", "suitability")],
        frozenset({"lost"}),
    ),
)


def orders_of(control: Control, seed: int, *, protected: bool = False) -> Orders:
    """The short campaign of a control; `protected` leaves the protection on, and then nothing may be found."""
    return Orders(
        seed=seed, length_s=_LENGTH_S, rate=400.0, customers=60, producers=2, days=20, plan=control.plan, sample=10,
        migration_fault=False, without=None if protected else control.without, wake_zombies_late=control.late,
    )  # fmt: skip


def run(control: Control, seed: int, open_shape: OpenShape, folder: Path, say: Say) -> Verdict:
    """Runs a control."""
    say(f"control: {control.name}")
    place = folder / control.without
    place.mkdir(parents=True, exist_ok=True)
    return verdict(control, Campaign(orders_of(control, seed), open_shape(place), place, say).run())


def verdict(control: Control, result: Result) -> Verdict:
    """The checker must have named the damage; a campaign that could not end proves nothing."""
    counts = {kind: count for kind, count in result.findings.counts.items() if count}
    found = bool(control.damage & counts.keys()) and not result.problems and len(result.happened) == len(control.plan)
    kinds = sorted(control.damage & counts.keys())
    example = result.findings.examples[kinds[0]][0] if kinds else "; ".join(result.problems)[:300]
    return Verdict(control.name, found, counts, example)
