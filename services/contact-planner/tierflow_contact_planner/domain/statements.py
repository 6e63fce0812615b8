"""Statements with a day from which they hold: the newest one that is already effective is the valid one.

Of all statements ever made only the undominated ones are kept: a statement that was followed by a newer one which
takes effect no later can never be the valid one again. What is kept depends on the set of statements alone.
"""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar

from tierflow_contact_planner.domain.facts import Version


class Statement(Protocol):
    """Something said by an event of some version, in force from a day on."""

    @property
    def version(self) -> Version: ...

    @property
    def effective_on(self) -> date: ...


S = TypeVar("S", bound=Statement)


def newness(statement: Statement) -> tuple[str, date, Version]:
    """Order of statements: when they were made, then the later day (one moment may state several days), then the id."""
    return (statement.version[0], statement.effective_on, statement.version)


def with_statement(known: Sequence[S], said: S) -> tuple[S, ...]:
    """The undominated statements of `known` and `said`, oldest effective day first."""
    kept: list[S] = []
    for statement in sorted({*known, said}, key=lambda s: (newness(s), s.effective_on), reverse=True):
        if not kept or statement.effective_on < kept[-1].effective_on:
            kept.append(statement)
    return tuple(reversed(kept))


def valid_on(known: Sequence[S], day: date) -> S | None:
    """The newest statement that is effective on `day`; None before the first."""
    effective = [statement for statement in known if statement.effective_on <= day]
    return max(effective, key=newness, default=None)
