"""Processes that outlive us: started apart, found again by a mark in their environment, ended within a limit.

The mark (`STACK_MEMBER`) is the truth about what runs. A pid file can be stale after a crash, a mark cannot.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

MARK: Final = "STACK_MEMBER"
_IN_BACKGROUND: Final = '"$@" >&2 & echo $!'


@dataclass(frozen=True, slots=True)
class Member:
    """A running process of a stack. `made_from` stands for everything it was started with."""

    name: str
    pid: int
    port: int
    made_from: str


def members(folder: Path) -> dict[str, Member]:
    """What runs of the stack in this folder, by name."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            member = _read_mark(process, folder)
            if member is not None:
                found[member.name] = member
    return found


def _read_mark(process: Path, folder: Path) -> Member | None:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    mark = next((entry for entry in variables if entry.startswith(f"{MARK}=".encode())), None)
    if mark is None:
        return None
    name, port, made_from, belongs_to = mark.decode(errors="replace").removeprefix(f"{MARK}=").split("|", 3)
    return Member(name, int(process.name), int(port), made_from) if Path(belongs_to) == folder else None


def spawn(
    member: str, port: int, made_from: str, folder: Path, command: Sequence[str],
    *, environment: Mapping[str, str], log: Path,
) -> Member:  # fmt: skip
    """Starts a program that lives on when we end, with its output in `log`. A shell in between leaves it to init."""
    marked = {**environment, MARK: f"{member}|{port}|{made_from}|{folder}"}
    with log.open("ab") as output:
        done = subprocess.run(
            ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output, env=marked, start_new_session=True,
            check=True, text=True,
        )  # fmt: skip
    return Member(member, int(done.stdout), port, made_from)


def end(pids: Sequence[int], within_s: float) -> bool:
    """SIGTERM to all, and after the limit SIGKILL. Returns when they are gone: True if all went by themselves."""
    with watched(*pids) as ended:
        for pid in pids:
            send(pid, signal.SIGTERM)
            send(pid, signal.SIGCONT)
        if ended(within_s):
            return True
        for pid in pids:
            send(pid, signal.SIGKILL)
        ended(within_s)
        return False


def children(pid: int) -> list[int]:
    """The processes that this one has started and that still run."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    return [int(word) for word in words]


def send(pid: int, how: signal.Signals) -> None:
    """A signal, unless the process is gone."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


class Ended(Protocol):
    """Waits for processes; says whether all ended in time."""

    def __call__(self, timeout_s: float) -> bool: ...


@contextmanager
def watched(*pids: int) -> Iterator[Ended]:
    """Gives a function that waits until all these processes have ended; it says whether they did in time."""
    handles: list[IO[bytes]] = []
    for pid in pids:
        try:
            handles.append(open(os.pidfd_open(pid), "rb", buffering=0))  # noqa: SIM115 - closed below
        except ProcessLookupError:
            continue

    def ended(timeout_s: float) -> bool:
        until = time.monotonic() + timeout_s
        running: list[IO[bytes]] = list(handles)
        while running:
            done, _, _ = select.select(running, [], [], max(0.0, until - time.monotonic()))
            if not done:
                return False
            running = [one for one in running if one not in done]
        return True

    try:
        yield ended
    finally:
        for handle in handles:
            handle.close()
