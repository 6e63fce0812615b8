"""`tierflow erase`, `tierflow access-report`, `tierflow erasures …` and `tierflow keys …`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DEFAULT_URL, DataDir, GivenToken, Url, client_for

Basis = Literal["customer-request", "retention-over", "authority-order"]


def erase(
    customer: Annotated[str, typer.Argument(help="Id of the customer; with --confirm, id of the erasure.")],
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Confirm an erasure that somebody else asked for. The key is then gone.")
    ] = False,
    basis: Annotated[Basis, typer.Option(help="On what ground.")] = "customer-request",
    subject: Annotated[
        str | None, typer.Option(help="Who you are; for tokens signed with the key in --data-dir.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Erase a person, with four eyes: one asks, another confirms.

    \b
    Examples:
      tierflow erase c-0000001 --subject desk-3
      tierflow erase --confirm erasure-5f0c… --subject privacy-1
    """
    scope = "erasure:approve" if confirm else "erasure:request"
    with client_for(url, token or _token(data_dir, subject, scope), data_dir) as client:
        if confirm:
            done = client.post(f"/events/v1/erasures/{customer}/confirm", {}).body
            typer.echo(f"{done['id']}: {done['customer_id']} is erased, confirmed by {done['confirmed_by']}")
            return
        asked = client.post("/events/v1/erasures", {"customer_id": customer, "basis": basis}).body
        typer.echo(f"{asked['id']}: asked for by {asked['requested_by']}. Somebody else confirms it:")
        typer.echo(f"  tierflow erase --confirm {asked['id']}")


def access_report(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    out: Annotated[Path | None, typer.Option(help="File to write; default the terminal.")] = None,
    form: Annotated[Literal["json", "markdown"], typer.Option("--format", help="How it is written.")] = "json",
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Everything that is held about a customer, from all four services, in one document.

    \b
    Examples:
      tierflow access-report c-0000001 --out c-0000001.json
      tierflow access-report c-0000001 --format markdown
    """
    from tierflow_embedded.report.access import access_document, as_markdown

    with client_for(url, token, data_dir) as client:
        document = access_document(client, customer)
    text = as_markdown(document) if form == "markdown" else json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.touch(mode=0o600)
    out.write_text(text, encoding="utf-8")
    typer.echo(f"written: {out}")


def export_erasures(
    out: Annotated[Path, typer.Argument(help="File to write. Keep it apart from the back-ups.")],
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write the list of erasures, to be applied after a restore.

    \b
    Examples:
      tierflow erasures export erasures.json
    """
    with client_for(url, token, data_dir) as client:
        items = [one for one in client.pages("/events/v1/erasures") if one["state"] == "done"]
    out.write_text(json.dumps(items, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(items)} erasures: {out}")


def apply_erasures(
    listed: Annotated[Path, typer.Argument(help="The file of `tierflow erasures export`.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """After a restore, before the services start: delete the keys that the back-up brought back.

    \b
    Examples:
      tierflow erasures apply erasures.json
    """
    from tierflow_embedded.restoring import apply_list

    done, known = apply_list(listed, data_dir)
    typer.echo(f"{done} keys deleted again, {known} were gone")


def new_key() -> None:
    """Print a fresh key-encryption key, as TIERFLOW_KEK or a line of TIERFLOW_KEK_FILE.

    \b
    Examples:
      tierflow keys new > kek.key
    """
    from tierflow_shared.privacy.kms import new_kek

    typer.echo(new_kek())


def rotate_keys(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    new: Annotated[bool, typer.Option("--new", help="First put a fresh key into the key file.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Then take keys out of the file that wrap nothing.")] = False,
) -> None:
    """Wrap all customers' keys with the first key-encryption key. Safe to repeat, and while the services run.

    \b
    Examples:
      tierflow keys rotate --new --drop
    """
    from tierflow_embedded.restoring import rotate

    done = rotate(data_dir, new=new, drop=drop)
    typer.echo(f"{done.rewrapped} customers' keys wrapped anew with {done.kek_id}, {done.dropped} old keys dropped")


def _token(data_dir: Path, subject: str | None, scope: str) -> str:
    from tierflow_embedded.access import Tokens

    return Tokens(data_dir).mint(subject, [scope]) if subject else ""


__all__ = ["access_report", "apply_erasures", "erase", "export_erasures", "new_key", "rotate_keys"]
