"""`make chaos SEED= MINUTES= SHAPE=`: a campaign with its controls; the report goes to `var/chaos/report.json`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from tests.chaos import controls
from tests.chaos.campaign import Campaign, Orders, Result, Say
from tests.chaos.controls import OpenShape, Verdict
from tests.chaos.plan import plan
from tests.chaos.report import report, table
from tests.chaos.shapes import EmbeddedShape, Shape

FOLDER: Final = Path("var/chaos")
_FAULTS: Final = 40
_CLOSEST_S: Final = 18.0
_DISK_MB: Final = 6_000
_CONTROL_DISK_MB: Final = 1_500
_LONGEST_MINUTES: Final = 24 * 60


def open_shape(name: str, megabytes: int) -> OpenShape:
    """A maker of shapes in a folder."""

    def make(folder: Path) -> Shape:
        if name == "embedded":
            return EmbeddedShape(folder, disk_megabytes=megabytes)
        from tests.chaos.production import ProductionShape

        return ProductionShape(folder, disk_megabytes=megabytes)

    return make


def orders(seed: int, minutes: float, shape: str, rate: float) -> Orders:
    """The full campaign."""
    length_s = minutes * 60
    faults = plan(seed, length_s, shape, every_s=max(_CLOSEST_S, length_s / _FAULTS))
    days = max(20, min(150, int(length_s / 8)))
    return Orders(
        seed=seed, length_s=length_s, rate=rate, customers=2_000, producers=4, days=days, plan=faults, sample=200,
        finish_plan=False,
    )  # fmt: skip


def main(
    seed: Annotated[int, typer.Option(help="The same seed: the same events, the same plan of faults.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.2, max=_LONGEST_MINUTES, help="How long the load lasts.")] = 20.0,
    shape: Annotated[
        Literal["embedded", "production"], typer.Option(help="What the services stand on.")
    ] = "production",
    rate: Annotated[float, typer.Option(min=10, help="Events a second that the producers aim at.")] = 1_000.0,
    with_controls: Annotated[bool, typer.Option("--controls/--no-controls", help="Run the controls, too.")] = True,
) -> None:
    """Break Tierflow under load and compare what was acknowledged with what took effect."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    folder = (FOLDER / "run").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with Progress(console=console, disable=not sys.stdout.isatty(), transient=True) as progress:
        bar = progress.add_task(f"chaos {shape}", total=None)

        def say(line: str) -> None:
            progress.update(bar, description=line[:60])
            console.print(line, highlight=False, markup=False, soft_wrap=True)

        result = _campaign(orders(seed, minutes, shape, rate), shape, folder, say)
        verdicts = _controls(seed, shape, folder, say) if with_controls else []
    found = report(result, verdicts, seed=seed, shape=shape, minutes=minutes)
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "report.json").write_text(text, encoding="utf-8")
    (FOLDER / f"report-{shape}-{seed}.json").write_text(text, encoding="utf-8")
    console.print(table(found))
    raise typer.Exit(0 if found["ok"] else 1)


def _campaign(told: Orders, shape: str, folder: Path, say: Say) -> Result:
    say(f"{len(told.plan)} faults of {len({fault.kind for fault in told.plan})} kinds in {told.length_s:.0f} s")
    return Campaign(told, open_shape(shape, _DISK_MB)(folder), folder, say).run()


def _controls(seed: int, shape: str, folder: Path, say: Say) -> list[Verdict]:
    opened = open_shape(shape, _CONTROL_DISK_MB)
    return [controls.run(control, seed, opened, folder / "controls", say) for control in controls.CONTROLS]


if __name__ == "__main__":
    typer.run(main)
