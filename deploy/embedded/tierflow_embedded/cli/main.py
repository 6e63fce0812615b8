"""All commands in one place, each handed to the module that does the work."""

from typing import Annotated

import typer

from tierflow_embedded.cli import letters, looking, migrating, playing, privacy, replaying, serving, trying
from tierflow_embedded.cli.errors import OneLineErrors

EPILOG = (
    "Try: [bold]tierflow demo[/bold] shows everything in half a minute. "
    "[bold]tierflow serve[/bold] starts a server on http://127.0.0.1:8000."
)

app = typer.Typer(
    name="tierflow",
    cls=OneLineErrors,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Customer tiers, contact plans and suitable sales from a bank's event stream.",
    epilog=EPILOG,
)
replay = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Send stored events over HTTP, nothing lost; or read the log into another policy.",
)

dead_letters = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Look at what services could not take; send it again, or correct it.",
)

erasures = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The list of erased persons, and what to do after a restore."
)
keys = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The key that wraps customers' keys.")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("tierflow"))
        raise typer.Exit


@app.callback()
def tierflow(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Customer tiers, contact plans and suitable sales from a bank's event stream."""


app.command()(serving.serve)
app.command()(playing.demo)
app.command()(migrating.migrate)
app.add_typer(replay, name="replay")
replay.command("berka")(replaying.berka)
replay.command("cloudevents")(replaying.cloudevents)
replay.command("topic")(trying.topic)
app.add_typer(dead_letters, name="letters")
dead_letters.command("list")(letters.list_letters)
dead_letters.command("show")(letters.show)
dead_letters.command("replay")(letters.replay)
dead_letters.command("fix")(letters.fix)
app.command()(privacy.erase)
app.command("access-report")(privacy.access_report)
app.add_typer(erasures, name="erasures")
erasures.command("export")(privacy.export_erasures)
erasures.command("apply")(privacy.apply_erasures)
app.add_typer(keys, name="keys")
keys.command("new")(privacy.new_key)
keys.command("rotate")(privacy.rotate_keys)
app.command()(playing.generate)
app.command()(looking.report)
app.command()(looking.explain)
app.command()(serving.token)
