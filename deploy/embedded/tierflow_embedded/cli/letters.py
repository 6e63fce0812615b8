"""`tierflow letters`: look at what services could not take, send it again, correct it."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from tierflow_embedded.cli.options import DEFAULT_DATA_DIR, DEFAULT_URL, DataDir, GivenToken, Url, client_for
from tierflow_shared.ids import new_id
from tierflow_shared.web.client import ApiClient

LETTERS: Final = "/events/v1/dead-letters"
_MOMENTS: Final = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]

Service = Annotated[str | None, typer.Option(help="Which service could not take it: scoring, suitability, …")]
EventType = Annotated[str | None, typer.Option("--type", help="Event type, as bank.transaction.posted.v1.")]
Customer = Annotated[str | None, typer.Option(help="The message's key: a customer's id.")]
Reason = Annotated[str | None, typer.Option(help="Why it was not taken, as no-rate.")]
Since = Annotated[
    datetime | None,
    typer.Option("--from", formats=_MOMENTS, metavar="TIME", help="Not before, as 2026-03-02T08:00:00Z."),
]
Until = Annotated[datetime | None, typer.Option("--to", formats=_MOMENTS, metavar="TIME", help="Before this moment.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on one line instead of tables.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would happen.")]


def list_letters(
    service: Service = None,
    event_type: EventType = None,
    customer: Customer = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[
        Literal["open", "replayed"] | None, typer.Option(help="Only those nobody sent again, or only the others.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List dead letters of all services, newest first, and what became of those that were sent again.

    \b
    Examples:
      tierflow letters list
      tierflow letters list --state open --reason no-rate
      tierflow letters list --customer c-0000001 --from 2026-03-02T00:00:00Z --json
    """
    from tierflow_embedded.cli.letter_tables import show_list

    query = _query(service, event_type, customer, reason, since, until)
    found: list[Any] = []
    with client_for(url, token, data_dir) as client:
        for letter in client.pages(LETTERS, limit=min(limit, 200), state=state, **query):
            found.append(letter)
            if len(found) == limit:
                break
    show_list(found, as_json=as_json)


def show(
    letter: Annotated[str, typer.Argument(help="Id of the dead letter.")],
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: where it lies, why it was not taken, which fields it has. Never a value of a field.

    \b
    Examples:
      tierflow letters show dl-4be1…
      tierflow letters show dl-4be1… --json
    """
    from tierflow_embedded.cli.letter_tables import show_letter

    with client_for(url, token, data_dir) as client:
        show_letter(client.get(f"{LETTERS}/{letter}"), as_json=as_json)


def replay(
    letter: Annotated[
        list[str] | None, typer.Argument(help="Ids of dead letters; or choose them by the options.")
    ] = None,
    service: Service = None,
    event_type: EventType = None,
    customer: Customer = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    at_most: Annotated[int, typer.Option(min=1, max=1_000_000, help="Stop after so many letters.")] = 100_000,
    step: Annotated[int, typer.Option(min=1, max=500, help="Letters in one request.")] = 200,
    dry_run: DryRun = False,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Send dead letters' messages again under their own ids: who had taken one drops it, who could not tries again.

    Do this once the cause is mended: a rate was added, a service was upgraded. In the order of the log, so a customer's
    messages keep theirs. Doing it twice changes nothing. A message that fails again is a new letter that points back.

    \b
    Examples:
      tierflow letters replay dl-4be1…
      tierflow letters replay --reason no-rate --dry-run      (how many would it be?)
      tierflow letters replay --service scoring --from 2026-03-02T00:00:00Z --to 2026-03-03T00:00:00Z
    """
    from tierflow_embedded.cli.letter_tables import show_replay

    wanted = _query(service, event_type, customer, reason, since, until)
    if letter:
        wanted["ids"] = list(dict.fromkeys(letter))
    if not wanted:
        raise typer.BadParameter(
            "name letters by id, or choose them by --service, --type, --customer, --reason, --from, --to"
        )
    with client_for(url, token, data_dir) as client:
        outcome = _replay_all(client, wanted, at_most, step, dry_run=dry_run)
    show_replay(outcome, as_json=as_json)
    raise typer.Exit(1 if outcome["not_replayable"] else 0)


def fix(
    letter: Annotated[str, typer.Argument(help="Id of the dead letter.")],
    data: Annotated[
        Path | None, typer.Option(help="JSON file with the corrected data as a whole.", exists=True, dir_okay=False)
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Change one field of the data; VALUE is JSON, or else text. Repeat it."
        ),
    ] = None,
    dry_run: DryRun = False,
    url: Url = DEFAULT_URL,
    token: GivenToken = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Put a corrected event on the log in place of the one that could not be taken.

    The data are checked as if the bank had sent them. The new event names the one it replaces, and there is only ever
    one: the same correction again changes nothing, another one is refused. --set needs no look at the other fields.

    \b
    Examples:
      tierflow letters fix dl-4be1… --set amount.currency=CZK --dry-run
      tierflow letters fix dl-4be1… --set amount.currency=CZK
      tierflow letters fix dl-4be1… --data corrected.json
    """
    from tierflow_embedded.cli.letter_tables import show_letter

    if (data is None) == (not changes):
        raise typer.BadParameter("give either --data FILE or --set FIELD=VALUE")
    body = {"changes": _patch(changes or [])} if data is None else {"data": _object_in(data)}
    with client_for(url, token, data_dir) as client:
        answer = client.post(f"{LETTERS}/{letter}/fix", {**body, "dry_run": dry_run}, key=new_id("cli")).body
    if dry_run and not as_json:
        typer.echo("The corrected data keep every rule; nothing was sent.")
    show_letter(answer, as_json=as_json)


def _query(
    service: str | None,
    event_type: str | None,
    customer: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, Any]:
    named = {
        "service": service,
        "type": event_type,
        "customer": customer,
        "reason": reason,
        "from": since.isoformat() if since else None,
        "to": until.isoformat() if until else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _replay_all(client: ApiClient, wanted: dict[str, Any], at_most: int, step: int, *, dry_run: bool) -> dict[str, Any]:
    """Step by step until there are no more; the first step's count is what the progress is measured by."""
    from tierflow_embedded.cli.console import Display

    total: Counter[str] = Counter(replayed=0, already=0, not_replayable=0)
    first: dict[str, Any] | None = None
    cursor, left_over = None, list[str]()
    with Display() as display:
        while True:
            limit = min(step, at_most - total.total())
            body = {**wanted, "limit": limit, "dry_run": dry_run, **({"cursor": cursor} if cursor else {})}
            told = client.post(f"{LETTERS}/replay", body, key=new_id("cli")).body
            if first is None:
                first, counter = told, display.counter("letters", min(told["matched"], at_most))
            total.update({name: told[name] for name in ("replayed", "already", "not_replayable")})
            left_over += [one["id"] for one in told["results"] if one["result"] == "not-replayable"]
            counter.advance(len(told["results"]))
            cursor = told["next"]
            if cursor is None or total.total() >= at_most:
                break
    return {
        "run": first["run"], "dry_run": dry_run, "matched": first["matched"], "groups": first["groups"], **total,
        "left": left_over[:100], "more": cursor is not None,
    }  # fmt: skip


def _patch(changes: list[str]) -> dict[str, Any]:
    """`a.b=1` becomes `{"a": {"b": 1}}`; what is not JSON is text."""
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not all(path.split(".")):
            raise typer.BadParameter(f"{change!r} is not FIELD=VALUE", param_hint="--set")
        *outer, last = path.removeprefix("data.").split(".")
        here = patch
        for name in outer:
            here = here.setdefault(name, {})
            if not isinstance(here, dict):
                raise typer.BadParameter(f"{path} lies inside a field that is set as well", param_hint="--set")
        here[last] = _value(text)
    return patch


def _value(text: str) -> Any:
    """JSON where it is JSON; but a number with a point stays text, as amounts are in events."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return text if isinstance(value, float) else value


def _object_in(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ValueError(f"{file} is not a JSON object: {error}") from None
