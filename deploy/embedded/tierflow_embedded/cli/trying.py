"""`tierflow replay topic`: the whole log into another policy set, beside the live scoring."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DEFAULT_URL, DataDir, GivenToken, Url, client_for

_MOMENTS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}\Z")
Format = Literal["table", "json", "csv"]


def topic(
    policy: Annotated[
        str,
        typer.Option(help="A policy set (its name or folder), or the file of one version, which then joins --base."),
    ],
    into: Annotated[str, typer.Option(metavar="NAME", help="Name of the trial. The same name goes on where it ended.")],
    base: Annotated[str, typer.Option(help="The set that a file of --policy changes.")] = "standard",
    from_time: Annotated[
        datetime | None, typer.Option("--from", formats=_MOMENTS, metavar="TIME", help="Skip what is older on the log.")
    ] = None,
    from_offset: Annotated[
        list[str] | None,
        typer.Option("--from-offset", metavar="PARTITION=OFFSET", help="Start a partition there. Repeat it."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the live log and compare again.")] = False,
    every: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds between comparisons of --follow.")] = 30.0,
    rounds: Annotated[int, typer.Option(min=1, help="End --follow after so many comparisons.")] = 1_000_000,
    movers: Annotated[int, typer.Option(min=0, max=1_000_000, help="Most customers to name, by scheme.")] = 10_000,
    output: Annotated[Format, typer.Option("--format", help="csv has one line for each customer who moves.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write the comparison to this file.")] = None,
    currency: Annotated[
        str | None, typer.Option(envvar="TIERFLOW_BASE_CURRENCY", help="Currency of tiers; the live service's.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", envvar="TIERFLOW_TRIAL_DATABASE_URL", help="The trial's own PostgreSQL."),
    ] = None,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Read all the bank's events into another policy and say who would move. The live scoring goes on undisturbed.

    The trial is a consumer group of its own with a database of its own. It publishes nothing. It reads the same log:
    the file in --data-dir, or Kafka when TIERFLOW_KAFKA_BOOTSTRAP is set. Interrupted, it goes on where it was.

    \b
    Examples:
      tierflow replay topic --policy stricter.toml --into stricter
      tierflow replay topic --policy policies/2027 --into next-year --format csv --out movers.csv
      tierflow replay topic --policy stricter.toml --into stricter --follow --every 60
    """
    from tierflow_embedded.cli.trial_tables import show
    from tierflow_embedded.trial import TrialOrder, run_trial

    if not _NAME.match(into):
        raise typer.BadParameter("a name is 1 to 31 of a-z 0-9 -", param_hint="--into")
    order = TrialOrder(
        policy=policy,
        base=base,
        name=into,
        since=_with_offset(from_time) if from_time else None,
        offsets=_offsets(from_offset or []),
        data_dir=data_dir,
        currency=currency,
        database_url=database_url,
        every_s=every,
        rounds=rounds if follow else 1,
        most_movers=movers,
    )
    with client_for(url, token, data_dir) as live:
        try:
            asyncio.run(run_trial(order, live, lambda found: show(found, output, out)))
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. The same command goes on where {into} is.", err=True)
            raise typer.Exit(130) from None


def _with_offset(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _offsets(texts: list[str]) -> dict[int, int]:
    offsets: dict[int, int] = {}
    for text in texts:
        partition, _, offset = text.partition("=")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise typer.BadParameter(f"{text!r} is not PARTITION=OFFSET", param_hint="--from-offset")
        offsets[int(partition)] = int(offset)
    return offsets
