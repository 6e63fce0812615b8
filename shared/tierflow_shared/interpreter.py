"""How the interpreter works in a process that serves: set once, when everything is loaded."""

import gc
import sys


def tune_the_interpreter() -> None:
    """Batches make many short-lived tuples, no cycles; and a request must not wait long for a thread that computes."""
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)
