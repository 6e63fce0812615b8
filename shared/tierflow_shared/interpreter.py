"""How the interpreter works in a process that serves: set once, when everything is loaded."""

import ctypes
import gc
import sys
import threading
from itertools import count
from typing import Final

COLLECT_EVERY_S: Final = 10.0
_M_ARENA_MAX: Final = -8  # malloc.h of glibc
_HEAPS: Final = 2
_ALL_EVERY: Final = 30  # of these turns the whole memory is looked at


def tune_the_interpreter(collect_every_s: float = COLLECT_EVERY_S) -> None:
    """Batches make many short-lived tuples and few cycles; a request must not wait long for a thread that computes.

    Counting objects would look for cycles in the middle of each batch and, in a quiet hour, not at all: a hundred
    thousand objects may wait until the count is reached. So the count is high, and every `collect_every_s` seconds the
    young ones are looked at: what few have come since then. Where the C library is glibc all threads share two heaps:
    with one for each, memory that a thread has freed is of no use to the others.
    """
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(200_000, 5, 2)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)
    threading.Thread(target=_collect, args=(collect_every_s,), name="garbage", daemon=True).start()


def _collect(every_s: float) -> None:
    never = threading.Event()
    for turn in count(1):
        never.wait(every_s)
        gc.collect(2 if turn % _ALL_EVERY == 0 else 1)
