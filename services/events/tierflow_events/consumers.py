"""What the events service itself reads from the log: the dead letters that every service reports."""

from collections.abc import Callable

from tierflow_events.handlers.letters import keep_letter
from tierflow_events.ports import LetterBook
from tierflow_shared.contracts.outcomes import DeadLetter
from tierflow_shared.contracts.registry import TYPE_OF_DATA
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.handlers import Event, Outcome, TypedHandler


def dead_letter_handler(open_book: Callable[[UnitOfWork], LetterBook]) -> TypedHandler:
    """The handler for `tierflow.dead-letters`; `open_book` gives the book of a unit of work."""

    def keep(uow: UnitOfWork, event: Event) -> Outcome:
        assert isinstance(event.data, DeadLetter)
        return "applied" if keep_letter(event.data, open_book(uow)) else "duplicate"

    return TypedHandler({TYPE_OF_DATA[DeadLetter].name: keep})
