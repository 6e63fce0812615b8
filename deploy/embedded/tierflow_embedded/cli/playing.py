"""`tierflow demo` and `tierflow generate`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

_DAY = ["%Y-%m-%d"]


def demo(
    data: Annotated[
        Path | None, typer.Option(help="Show a real bank instead: the folder of the Berka data set.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the report and of the demo's databases.")] = Path("var/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another bank.")] = 7,
    customers: Annotated[int, typer.Option(min=20, max=5_000, help="Size of the generated bank.")] = 200,
    url: Annotated[
        str | None,
        typer.Option(
            help="Play into a running, empty Tierflow: one address, or one per service as events=http://…,…; "
            "its key is looked for in TIERFLOW_DATA_DIR. The generated bank then ends yesterday."
        ),
    ] = None,
) -> None:
    """Show everything in half a minute: a bank's two years become tiers, contacts and suitable sales.

    Starts a server of its own (or takes the one of --url) and plays a generated bank into it over HTTP.
    Prints what came of it, and writes an HTML report that opens without network.
    Ends by itself.

    \b
    Examples:
      tierflow demo
      tierflow demo --customers 1000 --seed 3
      tierflow demo --data ../shared/data/berka
      tierflow demo --url "$TIERFLOW_URL"     (behind `. var/stack/client.env`)
    """
    from tierflow_embedded.cli.console import Display
    from tierflow_embedded.cli.showing import show_demo
    from tierflow_embedded.demo.run import DemoOptions, run_demo

    with Display() as display:
        result = run_demo(DemoOptions(out=out, seed=seed, customers=customers, berka=data, url=url), display)
    show_demo(result)
    raise typer.Exit(0 if result.agrees else 1)


def generate(
    out: Annotated[str, typer.Option(help="File of events, one JSON object a line; - is standard output.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same bytes.")] = 1,
    customers: Annotated[int, typer.Option(min=1, max=10_000_000)] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="Span of the stream.")] = 730,
    end: Annotated[
        datetime | None, typer.Option(formats=_DAY, metavar="DATE", help="Last business day; default 2026-06-30.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Also write what customers answer to the risk questionnaire.")
    ] = None,
) -> None:
    """Make a synthetic bank: customers, households, RMs, products and two years of events, streamed at any size.

    \b
    Examples:
      tierflow generate --seed 7 --customers 1000 --out bank.ndjson
      tierflow generate --customers 100000 --days 30 --out - | gzip > bank.ndjson.gz
      tierflow replay cloudevents bank.ndjson
    """
    from tierflow_embedded.cli.console import Display
    from tierflow_embedded.generate.files import write_bank
    from tierflow_embedded.generate.plan import DEFAULT_END, BankPlan

    plan = BankPlan(seed=seed, customers=customers, days=days, end=end.date() if end else DEFAULT_END)
    with Display() as display:
        task = display.counter("events written")
        written = write_bank(plan, out, answers, task.advance)
    if out != "-":
        typer.echo(f"{written:,} events of {customers:,} customers in {out}")
