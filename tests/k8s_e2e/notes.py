"""What happened, step by step: shown while it happens, kept for the report."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

Say = Callable[[str], None]


class FailedError(Exception):
    """Something that must hold does not; the text says what."""


@dataclass(slots=True)
class Step:
    """One step: what it is, how long it took, and what was seen."""

    name: str
    seconds: float = 0.0
    ok: bool = False
    seen: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Notes:
    """All steps of a run."""

    say: Say
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """A step; what is put into the dictionary is shown and kept."""
        self.say(f"… {name}")
        step, started = Step(name), time.monotonic()
        self.steps.append(step)
        try:
            yield step.seen
            step.ok = True
        finally:
            step.seconds = round(time.monotonic() - started, 1)
            words = ", ".join(f"{key} {value}" for key, value in step.seen.items())
            self.say(f"{'✓' if step.ok else '✗'} {name}: {step.seconds} s{f'; {words}' if words else ''}")

    def report(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """For `report.json`. `ok` decides the exit code."""
        return {
            "ok": bool(self.steps) and all(step.ok for step in self.steps) and not more.get("problem"),
            **more,
            "steps": [
                {
                    "name": step.name,
                    "ok": step.ok,
                    "seconds": step.seconds,
                    **({"seen": step.seen} if step.seen else {}),
                }
                for step in self.steps
            ],
        }


def table(report: Mapping[str, Any]) -> Table:
    """The report on one screen."""
    shown = Table(title=f"Kubernetes: {report['kubernetes']}", min_width=70)
    shown.add_column("step")
    shown.add_column("s", justify="right")
    shown.add_column("seen", overflow="fold")
    for step in report["steps"]:
        words = ", ".join(f"{key} {value}" for key, value in step.get("seen", {}).items())
        shown.add_row(("" if step["ok"] else "FAILED: ") + step["name"], f"{step['seconds']:.0f}", words)
    if report.get("problem"):
        shown.add_row("problem", "", str(report["problem"])[:600])
    shown.add_row("result", "", "good" if report["ok"] else "WRONG")
    return shown


def must(holds: bool, what: str) -> None:
    """Raises `FailedError` with these words when it does not hold."""
    if not holds:
        raise FailedError(what)
