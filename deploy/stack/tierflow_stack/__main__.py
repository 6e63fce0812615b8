"""`python -m tierflow_stack`: the production shape on one machine."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tierflow_stack.kafka_files import StackError
from tierflow_stack.postgres import PostgresError
from tierflow_stack.settings import StackSettings
from tierflow_stack.stack import Row, Stack

app = typer.Typer(
    name="tierflow_stack", no_args_is_help=True, pretty_exceptions_enable=False,
    help="Kafka, PostgreSQL and the four services of Tierflow, each a process of its own on this machine.",
)  # fmt: skip
Folder = Annotated[
    Path, typer.Option("--folder", envvar="STACK_DIR", help="Where data, logs, keys and pid files of the stack lie.")
]
_FOLDER = Path("var/stack")


@app.command()
def up(folder: Folder = _FOLDER) -> None:
    """Start what does not run yet, and wait until everything is ready. May be repeated."""
    stack = _stack(folder)
    _run(stack.up)
    _show(stack.status())
    typer.echo(f"For tierflow's own commands: . {folder / 'client.env'}")


@app.command()
def down(folder: Folder = _FOLDER) -> None:
    """Stop everything that was started here, in good order. Data stay."""
    _run(_stack(folder).down)


@app.command()
def status(folder: Folder = _FOLDER) -> None:
    """Show addresses, process ids, health and lag. Exit code 1 when something is not ready."""
    rows = _stack(folder).status()
    _show(rows)
    raise typer.Exit(0 if all(row.health == "ready" for row in rows) else 1)


@app.command()
def restart(service: Annotated[str, typer.Argument(help="Name of the service.")], folder: Folder = _FOLDER) -> None:
    """Stop one service, or find it dead, and start it again on its port."""
    stack = _stack(folder)
    _run(lambda: stack.restart(service))


@app.command()
def stop(
    services: Annotated[list[str] | None, typer.Argument(help="Names of services; default all four.")] = None,
    folder: Folder = _FOLDER,
) -> None:
    """Stop services and leave Kafka and PostgreSQL running, for a restore. `up` starts them again."""
    stack = _stack(folder)
    _run(lambda: stack.stop(services or ()))


@app.command()
def run(
    command: Annotated[list[str], typer.Argument(help="A command, behind --.")],
    folder: Folder = _FOLDER,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with no data: removes the folder first.")] = False,
) -> None:
    """Start the stack, run a command that finds it by its environment, and stop the stack again."""
    stack = _stack(folder)
    if fresh:
        _run(lambda: _clear(stack))
    try:
        _run(stack.up)
        done = subprocess.run(command, env={**os.environ, **stack.client_environment()}, check=False)
    finally:
        _run(stack.down)
    raise typer.Exit(done.returncode)


def _clear(stack: Stack) -> None:
    """Only a stack's own folder is removed, and only where all data lie in it."""
    settings, folder = stack.settings, stack.folder
    if (settings.kafka_bootstrap or settings.database_url) and not settings.prefix:
        raise StackError("on a broker or database of yours a fresh start needs a new name: STACK_PREFIX=…")
    stack.down()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "lock").exists():
        raise StackError(f"{folder} is not the folder of a stack; nothing was removed")
    shutil.rmtree(folder, ignore_errors=True)


def _stack(folder: Path) -> Stack:
    try:
        return Stack(StackSettings.read(folder, os.environ), lambda line: typer.echo(line, err=True))
    except StackError as error:
        _fail(error)


def _run(step: Callable[[], None]) -> None:
    try:
        step()
    except (StackError, PostgresError, OSError, subprocess.TimeoutExpired) as error:
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(1) from None


def _show(rows: list[Row]) -> None:
    """Whole columns, never cut: addresses and paths are there to be copied."""
    table = [("", "address", "pid", "health", "lag", "log")]
    for row in rows:
        lag = "" if row.lag is None else f"{row.lag:,}"
        log = os.path.relpath(row.log) if row.log else ""
        table.append((row.name, row.address, str(row.pid or ""), row.health, lag, log))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    app()
