"""The report of a campaign: a dictionary for machines, a table for people."""

import platform
import sqlite3
import statistics
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from rich.table import Table

from tests.chaos.campaign import Result
from tests.chaos.controls import Verdict


def versions() -> dict[str, str]:
    """What took part."""
    parts = ("tierflow", "sqlalchemy", "aiokafka", "psycopg", "uvicorn")
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in parts},
    }


def report(result: Result, verdicts: Sequence[Verdict], *, seed: int, shape: str, minutes: float) -> dict[str, Any]:
    """Everything that is written to `report.json`. `ok` decides the exit code."""
    counts, happened = result.findings.counts, result.happened
    recovered = [one.recovery_s for one in happened if one.recovery_s is not None]
    return {
        "ok": result.is_clean and all(one.failed_as_it_must for one in verdicts),
        "seed": seed,
        "shape": shape,
        "minutes": minutes,
        "acknowledged": result.acknowledged,
        "lost": counts["lost"],
        "doubled": counts["doubled"],
        "reordered": counts["reordered"],
        "wrong_state": counts["wrong_state"],
        "faults": dict(sorted(Counter(one.kind for one in happened).items())),
        "recovery_s": {
            "p50": round(statistics.median(recovered), 2) if recovered else None,
            "max": round(max(recovered), 2) if recovered else None,
        },
        "controls": [
            {
                "name": one.name,
                "failed_as_it_must": one.failed_as_it_must,
                "found": one.found,
                "example": one.example,
            }
            for one in verdicts
        ],
        "problems": result.problems,
        "examples": {kind: found for kind, found in result.findings.examples.items() if found},
        "compared": dict(result.findings.compared),
        "each_fault": [
            {
                "kind": one.kind,
                "target": one.target,
                "at_s": round(one.at_s, 1),
                "lasted_s": round(one.lasted_s, 1),
                "recovery_s": None if one.recovery_s is None else round(one.recovery_s, 2),
                "waited_for": one.waited_for,
                **({"skipped": one.skipped} if one.skipped else {}),
            }
            for one in result.struck
        ],
        "left_out": result.left_out,
        "died_on_their_own": dict(Counter(result.died)),
        "load": {
            "seconds": round(result.load_s, 1),
            "requests": result.tally.requests,
            "doubtful_answers": result.tally.doubts,
            "events_sent_twice_at_once": result.tally.duplicated,
            "events_sent_again_later": result.tally.resent,
        },
        "versions": versions(),
    }


def table(found: dict[str, Any]) -> Table:
    """The report on one screen."""
    faults, recovery = found["faults"], found["recovery_s"]
    shown = Table(title=f"chaos: {found['shape']}, seed {found['seed']}, {found['minutes']:g} minutes", min_width=70)
    shown.add_column("what")
    shown.add_column("figure", justify="right")
    shown.add_row("acknowledged", f"{found['acknowledged']:,}")
    for kind in ("lost", "doubled", "reordered", "wrong_state"):
        shown.add_row(kind.replace("_", " "), f"{found[kind]:,}")
    shown.add_row("faults (kinds)", f"{sum(faults.values())} ({len(faults)})")
    shown.add_row("recovery p50 / max", f"{recovery['p50']} s / {recovery['max']} s")
    for control in found["controls"]:
        words = "failed as it must" if control["failed_as_it_must"] else "WAS NOT FOUND"
        shown.add_row(f"control: {control['name']}", words)
    for kind, reason in found["left_out"].items():
        shown.add_row(f"left out: {kind}", reason)
    for problem in found["problems"]:
        shown.add_row("problem", problem[:200])
    for kind, examples in found["examples"].items():
        shown.add_row(f"{kind}, for example", examples[0][:200])
    shown.add_row("result", "good" if found["ok"] else "WRONG")
    return shown
