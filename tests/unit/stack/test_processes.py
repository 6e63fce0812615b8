"""Processes that outlive their starter are found by their mark, and end within a limit."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tierflow_stack.processes import Member, end, members, send, spawn, watched

PATIENT = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT[15:]}"
Start = Callable[..., Member]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Python program as a member of the stack in `tmp_path`, and returns when it runs."""
    begun: list[Member] = []

    def started(name: str, program: str = PATIENT, folder: Path = tmp_path) -> Member:
        log = tmp_path / f"{name}.log"
        command = [sys.executable, "-c", program]
        begun.append(spawn(name, 8001, "x", folder, command, environment=os.environ, log=log))
        with watched(begun[-1].pid) as ended:
            while "up" not in log.read_text():
                assert not ended(0.02), log.read_text()
        return begun[-1]

    yield started
    for one in begun:
        send(one.pid, signal.SIGKILL)


def test_a_member_is_found_by_whoever_asks(start: Start, tmp_path: Path) -> None:
    begun = start("scoring")
    assert members(tmp_path) == {"scoring": begun}
    assert begun == Member("scoring", begun.pid, 8001, "x")


def test_it_is_no_child_of_ours(start: Start) -> None:
    """So it lives on when its starter ends, and leaves no zombie here."""
    status = Path(f"/proc/{start('scoring').pid}/status").read_text()
    assert f"PPid:\t{os.getpid()}\n" not in status


def test_others_are_not_taken_for_members(start: Start, tmp_path: Path) -> None:
    """A process without the mark, and one of another folder."""
    start("scoring", folder=tmp_path / "another")
    assert members(tmp_path) == {}


def test_a_dead_member_is_no_member(start: Start, tmp_path: Path) -> None:
    begun = start("scoring")
    with watched(begun.pid) as ended:
        os.kill(begun.pid, signal.SIGKILL)
        assert ended(10)
    assert members(tmp_path) == {}


def test_asked_to_end_it_ends(start: Start, tmp_path: Path) -> None:
    assert end([start("scoring").pid, start("events").pid], within_s=10)
    assert members(tmp_path) == {}


def test_a_stopped_process_ends_too(start: Start) -> None:
    begun = start("scoring")
    os.kill(begun.pid, signal.SIGSTOP)
    assert end([begun.pid], within_s=10)


def test_who_does_not_listen_is_killed_after_the_limit(start: Start, tmp_path: Path) -> None:
    assert not end([start("scoring", STUBBORN).pid], within_s=0.2)
    assert members(tmp_path) == {}


def test_ending_what_is_gone_is_no_error(start: Start) -> None:
    begun = start("scoring")
    assert end([begun.pid], within_s=10)
    assert end([begun.pid], within_s=10)
