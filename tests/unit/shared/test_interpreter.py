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
