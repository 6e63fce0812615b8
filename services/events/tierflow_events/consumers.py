"""What the events service itself reads from the log: every service's dead letters, and erasures."""

from collections.abc import Callable

from tierflow_events.handlers.erasing import ErasureBook, hear
from tierflow_events.handlers.letters import keep_letter
from tierflow_events.ports import LetterBook
from tierflow_shared.contracts.outcomes import CustomerErased, DeadLetter
from tierflow_shared.contracts.registry import TYPE_OF_DATA
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.handlers import Event, Outcome, TypedHandler


def own_handler(
    open_letters: Callable[[UnitOfWork], LetterBook], open_erasures: Callable[[UnitOfWork], ErasureBook]
) -> TypedHandler:
    """The handler for `tierflow.dead-letters` and `tierflow.erasures`; both functions open a unit of work's book."""

    def keep(uow: UnitOfWork, event: Event) -> Outcome:
        assert isinstance(event.data, DeadLetter)
        return "applied" if keep_letter(event.data, open_letters(uow)) else "duplicate"

    def erased(uow: UnitOfWork, event: Event) -> Outcome:
        assert isinstance(event.data, CustomerErased)
        return "applied" if hear(open_erasures(uow), event.data) else "duplicate"

    return TypedHandler({TYPE_OF_DATA[DeadLetter].name: keep, TYPE_OF_DATA[CustomerErased].name: erased})
