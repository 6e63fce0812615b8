"""`python -m bench.soak [soak|outage|outbox]`: one part in the production shape; a table, a plot, and a result."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.interrupts import end_as_by_ctrl_c
from bench.result import FOLDER, Result
from bench.soak.parts import MINUTES, PARTS, Orders
from bench.soak.show import say


def run(
    part: Annotated[str, typer.Argument(help=f"one of {', '.join(PARTS)}")] = "soak",
    minutes: Annotated[float, typer.Option(help="of load, of outage, or without a broker")] = 0.0,
    rate: Annotated[float, typer.Option(min=10, help="events a second")] = 1_000.0,
    sales: Annotated[float, typer.Option(min=0.1, help="sale requests a second")] = 20.0,
    customers: Annotated[int, typer.Option(min=100, help="all known before the load begins")] = 5_000,
) -> None:
    """Runs a part, prints what it found and keeps `var/bench/<part>.json` and `.svg`."""
    if part not in PARTS:
        raise typer.BadParameter(f"there is no part {part}: {', '.join(PARTS)}")
    orders = Orders(minutes or MINUTES[part], rate, sales, customers)
    say.print(f"{part}: {orders.minutes:g} minutes, {rate:,.0f} events/s and {sales:,.0f} sales/s; starting the stack")
    result = PARTS[part](orders)
    result.write()
    Console().print(_table(result))
    say.print(f"details: {FOLDER / part}.json, plot: {FOLDER / part}.svg")
    raise typer.Exit(0 if result.reached else 1)


def _table(result: Result) -> Table:
    table = Table(title=f"{result.name}: {result.goal}", title_justify="left", show_header=False)
    table.add_row("figure", f"{result.figure:,} {result.unit}")
    table.add_row(f"beside ({result.against})", f"{result.limit_or_peer:,}; ratio {result.ratio}")
    for name, value in result.detail.items():
        if name == "trends" or name.startswith("trends_"):
            assert isinstance(value, dict)
            for service, trend in value.items():
                words = "{mean_mib} MiB, {slope_mib_per_hour} ± {error_95_mib_per_hour} MiB/h, {growth_percent} %"
                table.add_row(f"memory of {service}", words.format(**trend) + ("" if trend["flat"] else "  [red]grows"))
        elif not isinstance(value, dict):
            table.add_row(name.replace("_", " "), str(value))
        elif name in ("account", "answers"):
            for key, count in value.items():
                table.add_row(key.replace("_", " "), f"{count:,}" if isinstance(count, int) else str(count))
    table.add_row("reached", "[green]yes" if result.reached else "[red]no")
    return table


if __name__ == "__main__":
    end_as_by_ctrl_c()
    typer.run(run)
