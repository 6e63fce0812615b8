"""How the interpreter works in a process that serves: set once, when everything is loaded."""

import gc
import sys


def tune_the_interpreter() -> None:
    """Batches make many short-lived tuples and few cycles; a request must not wait long for a thread that computes.

    All generations are looked at every two million objects, so that the few cycles do not add up to tens of MiB.
    """
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(200_000, 5, 2)
