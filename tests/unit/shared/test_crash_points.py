"""The places at which tests kill a process."""

import os
import signal
import subprocess
import sys

import pytest

from tierflow_shared import crash_points

PASSES = """
from tierflow_shared import crash_points
for n in range(1, 4):
    crash_points.reached("after-poll")
    crash_points.reached("in-relay")
    print(n, flush=True)
"""


def passes(**environment: str) -> subprocess.CompletedProcess[str]:
    """A process that passes two points three times each."""
    return subprocess.run(
        [sys.executable, "-c", PASSES],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_process_dies_at_the_passing_that_is_named() -> None:
    """By SIGKILL: nothing is flushed, nothing is said."""
    ended = passes(TIERFLOW_CRASH_AT="in-relay:3")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "1\n2\n")


def test_without_the_variable_nothing_happens() -> None:
    """The control of the test above."""
    ended = passes(TIERFLOW_CRASH_AT="")
    assert (ended.returncode, ended.stdout) == (0, "1\n2\n3\n")


def test_only_the_named_passing_counts() -> None:
    """Before and after it the process goes on, and other points do not count."""
    died: list[int] = []
    reached = crash_points.armed("after-commit:2", lambda: died.append(1))
    counts = []
    for _ in range(3):
        reached("before-commit")
        reached("after-commit")
        counts.append(len(died))
    assert counts == [0, 1, 1]


@pytest.mark.parametrize("text", ["nowhere", "after-poll:0", "after-poll:x"])
def test_a_wrong_name_is_refused_at_once(text: str) -> None:
    """A typing error must not look like a campaign that survived."""
    with pytest.raises(ValueError, match=r"crash|literal|TIERFLOW"):
        crash_points.armed(text, lambda: None)
