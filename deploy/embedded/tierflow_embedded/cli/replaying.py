"""`tierflow replay berka` and `tierflow replay cloudevents`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DEFAULT_URL, DataDir, GivenToken, Url, client_for

_DAY = ["%Y-%m-%d"]
Batch = Annotated[int, typer.Option(min=1, max=5_000, help="Events in one HTTP request.")]
Patience = Annotated[
    float, typer.Option("--wait-for-server", min=0, max=3_600, help="Seconds to wait for a server that is away.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The last line of the output is one JSON object.")]


def berka(
    directory: Annotated[Path, typer.Argument(help="Folder with the eight tables (.csv or .csv.gz).")],
    from_date: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, metavar="DATE", help="First day of transactions.")
    ] = None,
    to_date: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, metavar="DATE", help="Last day of transactions.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first so many transactions, with the other rows of their accounts."),
    ] = None,
    shuffle: Annotated[
        int | None, typer.Option(min=0, metavar="SEED", help="Send everything in a random order.")
    ] = None,
    batch: Batch = 500,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="TIERFLOW_URL",
            help="A running Tierflow: one address, or one per service as events=http://…,scoring=http://…,…; "
            "without it the command starts a server of its own.",
        ),
    ] = None,
    token: GivenToken = "",
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            help="Keep the own server's data here; or find the key of --url here (default TIERFLOW_DATA_DIR).",
        ),
    ] = None,
    wait_for_server: Patience = 30.0,
    as_json: AsJson = False,
) -> None:
    """Send the Berka data set (PKDD'99) over HTTP and reconcile it to the last heller.

    Sending everything again is always safe: rows become events with ids of their own.
    Without --url the command starts a server of its own.
    Exit code 1 when anything does not reconcile.

    \b
    Examples:
      tierflow replay berka ../shared/data/berka
      tierflow replay berka DIR --to 1993-06-30 --shuffle 1 --json
      tierflow replay berka DIR --url http://127.0.0.1:8000 --batch 1
    """
    from tierflow_embedded.cli.console import Display, show_reconciliation
    from tierflow_embedded.replay.berka import Selection
    from tierflow_embedded.replay.session import BerkaReplay, replay_berka

    wanted = BerkaReplay(
        directory=directory,
        selection=Selection(from_date.date() if from_date else None, to_date.date() if to_date else None, limit),
        shuffle=shuffle,
        batch=batch,
        url=url,
        token=token,
        data_dir=data_dir,
        patience_s=wait_for_server,
    )
    with Display() as display:
        outcome = replay_berka(wanted, display)
    show_reconciliation(outcome, as_json=as_json)
    raise typer.Exit(0 if outcome.agrees else 1)


def cloudevents(
    file: Annotated[Path, typer.Argument(help="One CloudEvent a line, as `tierflow generate` writes it.", exists=True)],
    batch: Batch = 500,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    wait_for_server: Patience = 30.0,
    as_json: AsJson = False,
) -> None:
    """Send a file of CloudEvents to a running server, in the file's order.

    \b
    Examples:
      tierflow replay cloudevents bank.ndjson
      tierflow replay cloudevents bank.ndjson.gz --batch 1000 --json
    """
    from tierflow_embedded.cli.console import Display, show_counts
    from tierflow_embedded.replay.session import replay_file

    with Display() as display, client_for(url, token, data_dir, patience_s=wait_for_server) as client:
        outcome = replay_file(client, file, batch, display, patience_s=wait_for_server)
    show_counts(outcome, as_json=as_json)
    raise typer.Exit(0 if outcome.agrees else 1)
