"""Dead letters at the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from tierflow_embedded.cli.console import print_json, table


def show_list(letters: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Letters as a table, or as `{"items": [...]}`."""
    if as_json:
        print_json({"items": letters})
        return
    console = Console(highlight=False)
    if not letters:
        console.print("No dead letters meet this.")
        return
    rows = [
        (one["id"], one["occurred_at"], one["service"], one["event_type"], one["key"], one["reason"], _fate(one))
        for one in letters
    ]
    columns = ("id", "when", "service", "type", "customer", "reason", "became")
    console.print(table(f"{len(letters)} dead letters", columns, rows))


def show_letter(letter: Mapping[str, Any], *, as_json: bool) -> None:
    """One letter, name by name."""
    if as_json:
        print_json(letter)
        return
    console = Console(highlight=False)
    rows = [
        ("service", letter["service"]),
        ("event", f"{letter['event_type']}  {letter['event_source']} {letter['event_id']}"),
        ("customer", letter["key"]),
        ("on the log", f"{letter['topic']}/{letter['partition']} at {letter['offset']}"),
        ("when", letter["occurred_at"]),
        ("reason", f"{letter['reason']}: {letter['detail']}"),
        *(("came of", letter[name]) for name in ("replay_of",) if letter[name]),
        *(("began with", letter[name]) for name in ("first",) if letter[name]),
        ("became", _fate(letter)),
    ]
    console.print(table(f"Dead letter {letter['id']}", ("", ""), rows))
    content = letter.get("content")
    if content:
        _show_content(console, content)


def _show_content(console: Console, content: Mapping[str, Any]) -> None:
    fault = content["fault"]
    if fault:
        console.print(f"\nbreaks the rule [bold]{fault['rule']}[/] at [bold]{fault['field']}[/]: {fault['message']}")
    if content["fields"]:
        rows = [(field["name"], field["kind"]) for field in content["fields"]]
        console.print("", table("Fields (values are never shown)", ("field", "kind"), rows))
    else:
        console.print(f"\nfields: {content['state']}")


def show_replay(outcome: Mapping[str, Any], *, as_json: bool) -> None:
    """The summary of a replay."""
    if as_json:
        print_json(outcome)
        return
    console = Console(highlight=False)
    rows = [(one["service"], one["type"], one["reason"], one["letters"]) for one in outcome["groups"]]
    console.print(
        table(f"{outcome['matched']} open letters meet this", ("service", "type", "reason", "letters"), rows, numbers=1)
    )
    if outcome["dry_run"]:
        console.print("Nothing was sent. Leave --dry-run out to send them.")
        return
    console.print(
        f"{outcome['replayed']:,} sent again, {outcome['already']:,} sent by somebody else meanwhile, "
        f"{outcome['not_replayable']:,} not on the log any more ({outcome['run']})"
    )
    for letter_id in outcome["left"]:
        console.print(f"[red]not replayable: {letter_id}[/red]")
    if outcome["more"]:
        console.print("There are more; run it again for the next ones.")


def _fate(letter: Mapping[str, Any]) -> str:
    replay = letter["replay"]
    if replay is None:
        return "open"
    did = "corrected" if replay["kind"] == "fix" else "sent again"
    again = f" as {replay['failed_as']}" if replay["failed_as"] else ""
    return f"{did} by {replay['by']} at {replay['at']}: {replay['outcome']}{again}"
