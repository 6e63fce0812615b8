"""`tierflow report` and `tierflow explain`."""

from pathlib import Path
from typing import Annotated

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DEFAULT_URL, DataDir, GivenToken, Url, client_for


def report(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("var/report.html"),
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Tierflow report",
    rm: Annotated[str | None, typer.Option(help="Whose week to show; default the RM with the fullest plan.")] = None,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write an HTML report of a running server: pyramid, migration, plan load, sales. Opens without network.

    \b
    Examples:
      tierflow report --out report.html
      tierflow report --rm rm-00001 --url http://127.0.0.1:8000
    """
    from tierflow_embedded.report.load import load_report
    from tierflow_embedded.report.page import write

    with client_for(url, token, data_dir) as client:
        write(load_report(client, title=title, rm_id=rm), out)
    typer.echo(f"written: {out}")


def explain(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Say in words why a customer has its tiers, and what is missing for the next.

    \b
    Examples:
      tierflow explain c-0000001
      tierflow explain berka-client-1787
    """
    from tierflow_embedded.report.words import explanation

    with client_for(url, token, data_dir) as client:
        for line in explanation(client.get(f"/scoring/v1/customers/{customer}")):
            typer.echo(line)
