"""The plan of faults: a pure function of seed, length and shape."""

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

CONSUMERS: Final = ("scoring", "suitability", "contact-planner")
SPEAKERS: Final = ("scoring", "suitability")
EVERYBODY: Final = ("events", *CONSUMERS)

# Kind of fault: whom it can hit. `crash:` is kill -9 at a named point.
EMBEDDED: Final[dict[str, Sequence[str]]] = {
    "kill": EVERYBODY,
    "crash:after-poll": CONSUMERS,
    "crash:before-commit": CONSUMERS,
    "crash:after-commit": CONSUMERS,
    "crash:before-relay": SPEAKERS,
    "crash:in-relay": SPEAKERS,
    "restart": EVERYBODY,
    "zombie": ("scoring", "contact-planner"),
    "rebalance-storm": ("scoring", "contact-planner"),
    "clock-step": ("all",),
    "poison": ("bank.events",),
    "resent-ids": ("producers",),
    "disk-full": ("log and databases",),
}
PRODUCTION: Final[dict[str, Sequence[str]]] = {
    **{kind: targets for kind, targets in EMBEDDED.items() if kind != "disk-full"},
    "disk-full": ("postgresql",),
    "broker-kill": ("kafka",),
    "postgres-immediate": ("postgresql",),
    "backends-killed": ("postgresql",),
    "cut": ("kafka", "postgresql"),
    "slow": ("kafka", "postgresql"),
}
KINDS: Final = {"embedded": EMBEDDED, "production": PRODUCTION}
_LENGTHS_S: Final = {
    "zombie": (2.0, 5.0),
    "rebalance-storm": (3.0, 6.0),
    "clock-step": (2.0, 4.0),
    "disk-full": (2.0, 4.0),
    "broker-kill": (0.5, 3.0),
    "postgres-immediate": (0.2, 2.0),
    "cut": (2.0, 6.0),
    "slow": (4.0, 8.0),
}


class Fault(NamedTuple):
    """One fault to come. `passing` is the passing of a crash point, `step_s` how far the clock goes."""

    number: int
    at_s: float
    kind: str
    target: str
    duration_s: float
    passing: int
    step_s: float


def plan(
    seed: int, length_s: float, shape: str, *, without: frozenset[str] = frozenset(), every_s: float
) -> list[Fault]:
    """Faults through the campaign, every kind in turn in an order of the seed; quiet at both ends."""
    random = Random(f"plan/{seed}")
    kinds = {kind: targets for kind, targets in KINDS[shape].items() if kind not in without}
    faults: list[Fault] = []
    turn: list[str] = []
    at_s = min(every_s, length_s * 0.15)
    while at_s < length_s * 0.92:
        if not turn:
            turn = sorted(kinds)
            random.shuffle(turn)
        kind = turn.pop()
        shortest, longest = _LENGTHS_S.get(kind, (0.0, 0.0))
        faults.append(
            Fault(
                len(faults),
                round(at_s, 2),
                kind,
                random.choice(kinds[kind]),
                round(random.uniform(shortest, longest), 2),
                random.randrange(1, 6),
                random.choice((-45.0, -20.0, 20.0, 45.0)),
            )
        )
        at_s += every_s * random.uniform(0.8, 1.2)
    return faults
