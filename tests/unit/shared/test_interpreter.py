"""The settings of a serving process that are seen from outside."""

import subprocess
import sys

ALLOCATES = """
import ctypes, sys, threading
from tierflow_shared.interpreter import tune_the_interpreter

if sys.argv[1] == "tuned":
    tune_the_interpreter()
together = threading.Barrier(8)

def work():
    kept = [bytes(10_000) for _ in range(100)]
    together.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def heaps(how: str) -> int:
    """How many heaps eight threads that allocate at the same time have made."""
    done = subprocess.run([sys.executable, "-c", ALLOCATES, how], capture_output=True, text=True, check=True)
    return done.stderr.count("Arena ")


def test_threads_share_two_heaps() -> None:
    """Without it (the control) there are more."""
    assert heaps("tuned") <= 2
    assert heaps("as it comes") > 2


CYCLES = """
import gc, sys, threading, weakref
from tierflow_shared.interpreter import tune_the_interpreter

class Ring:
    pass

gc.disable()  # counting has no part in it
tune_the_interpreter(float(sys.argv[1]))
gone = threading.Event()
ring = Ring()
ring.itself = ring
weakref.finalize(ring, gone.set)
del ring
print("gone" if gone.wait(float(sys.argv[2])) else "still there")
"""


def after_waiting(every_s: float, within_s: float) -> str:
    """What becomes of a cycle that nobody holds."""
    command = [sys.executable, "-c", CYCLES, str(every_s), str(within_s)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_cycles_go_in_a_quiet_process() -> None:
    """The control looks for them in an hour."""
    assert after_waiting(0.05, within_s=60) == "gone"
    assert after_waiting(3_600, within_s=0.5) == "still there"
