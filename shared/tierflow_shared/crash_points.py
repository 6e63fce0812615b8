"""Named places at which a test kills the process, as a power cut would. Without the variable they cost nothing.

`TIERFLOW_CRASH_AT=before-commit:3` sends SIGKILL to the process itself at the third passing of `before-commit`; without
a number, at the first. Only the chaos campaign and tests set it; it is no setting of the product.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

VARIABLE: Final = "TIERFLOW_CRASH_AT"
POINTS: Final = (
    "after-poll",  # records are read, no transaction has begun
    "before-commit",  # state, outbox and offset are written, the commit is not
    "after-commit",  # the transaction is durable, nothing of it is on the bus
    "before-relay",  # messages of the outbox are about to be published
    "in-relay",  # the bus has them, the outbox still has them too
    "in-migration",  # inside the transaction of a step of the schema
)


def _pass(_point: str) -> None:
    """Nothing is armed."""


def armed(text: str, die: Callable[[], None]) -> Callable[[str], None]:
    """A function that calls `die` at the passing that `text` names (`point` or `point:n`).

    Raises:
        ValueError: no such point, or not a passing.
    """
    point, _, number = text.partition(":")
    if point not in POINTS:
        raise ValueError(f"{VARIABLE} names {point!r}; there are {', '.join(POINTS)}")
    passing = int(number) if number else 1
    if passing < 1:
        raise ValueError(f"{VARIABLE}: passings count from 1")
    lock, passed = threading.Lock(), 0

    def reached(here: str) -> None:
        nonlocal passed
        if here != point:
            return
        with lock:
            passed += 1
            if passed != passing:
                return
        die()

    return reached


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


reached: Callable[[str], None] = armed(os.environ[VARIABLE], _die) if os.environ.get(VARIABLE) else _pass
