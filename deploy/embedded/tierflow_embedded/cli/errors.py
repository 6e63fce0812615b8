"""Errors as one clear line: a person at a terminal never sees a traceback."""

import os
from typing import Any, Final

import typer
from typer.core import TyperGroup

DEBUG_VARIABLE: Final = "TIERFLOW_DEBUG"
# Typer brings its own copy of click; what it shows well itself is the base of its own errors.
_SHOWN_BY_TYPER: Final[tuple[type[BaseException], ...]] = (
    typer.Exit,
    typer.Abort,
    *(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"),
)


class OneLineErrors(TyperGroup):
    """A group of commands whose failures become `Error: …` on standard error and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _SHOWN_BY_TYPER:
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read us has gone: nothing is left to say
            raise typer.Exit(0) from None
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            typer.echo(f"Error: {_one_line(error)}", err=True)
            raise typer.Exit(1) from None


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        return f"this command needs the package {error.name}, which is not installed here (the image leaves it out)"
    if type(error).__module__.startswith("tierflow") or isinstance(error, ValueError | OSError):
        return text
    return f"unexpected {type(error).__name__}: {text[:300]} (set {DEBUG_VARIABLE}=1 to see where)"
