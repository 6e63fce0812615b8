"""A trial's comparison with the live scoring: as tables, as JSON, as CSV."""

import csv
import io
from pathlib import Path
from typing import Final

import msgspec
import typer
from rich.console import Console

from tierflow_embedded.cli.console import table
from tierflow_scoring.trial.compare import Comparison, MoverLine, SchemeComparison

_SHOWN: Final = 20
COLUMNS: Final = ("scheme", *MoverLine.__struct_fields__)


def show(found: Comparison, form: str, out: Path | None) -> None:
    """Prints the comparison, or writes it to `out` and says so."""
    text = {"json": _json, "csv": _csv, "table": _tables}[form](found)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    moved = sum(scheme.moved for scheme in found.schemes)
    typer.echo(f"{found.trial}: {moved:,} moves, written to {out}")


def _json(found: Comparison) -> str:
    return msgspec.json.encode(found).decode()


def _csv(found: Comparison) -> str:
    """A line for each mover; ids and words that begin like a formula are quoted for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for scheme in found.schemes:
        for mover in scheme.movers:
            writer.writerow([_cell(value) for value in (scheme.scheme, *msgspec.structs.astuple(mover))])
    return text.getvalue()


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def _tables(found: Comparison) -> str:
    console = Console(highlight=False, record=False, file=io.StringIO(), width=160)
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(found.events.items()))
    console.print(f"[bold]{found.trial}[/]: {found.policies}, as of {found.as_of}; events: {counts or 'none'}")
    if found.as_of is None:
        console.print("No business day is closed on both sides yet.")
    elif not found.same_place:
        console.print("The two stand at different places of the log: a part of the difference may be just that.")
    for scheme in found.schemes:
        _scheme(console, scheme)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _scheme(console: Console, scheme: SchemeComparison) -> None:
    versions = f"live {scheme.live_version}, trial {scheme.trial_version}"
    rows = [(line.tier, line.live, line.trial, f"{line.trial - line.live:+,}") for line in scheme.pyramid]
    console.print("", table(f"{scheme.scheme}: {versions}", ("tier", "live", "trial", "change"), rows, numbers=3))
    console.print(f"{scheme.moved:,} of {scheme.customers:,} customers would move")
    if scheme.moves:
        moves = [(line.live, line.trial, line.direction, line.customers) for line in scheme.moves]
        console.print("", table("Moves", ("from", "to", "", "customers"), moves, numbers=1))
        movers = [
            (one.customer_id, f"{one.live} → {one.trial}", one.why_live, one.why_trial)
            for one in scheme.movers[:_SHOWN]
        ]
        title = f"Who, and why ({len(movers)} of {scheme.moved:,}; --format csv has more)"
        console.print("", table(title, ("customer", "move", "live", "trial"), movers))
