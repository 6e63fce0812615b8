"""How the interpreter works in a process that serves: set once, when everything is loaded."""

import ctypes
import gc
import sys
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h of glibc
_ARENAS: Final = 2


def tune_the_interpreter() -> None:
    """Batches make many short-lived tuples and few cycles; a request must not wait long for a thread that computes.

    All generations are looked at every two million objects, so that the few cycles do not add up to tens of MiB.
    Where the C library is glibc all threads share two heaps: with one for each, memory that a thread has freed is of
    no use to the others, and the process grows although nothing in it does.
    """
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(200_000, 5, 2)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
