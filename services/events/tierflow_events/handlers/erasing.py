"""Deletes a customer's key: once two people want it, or once the log says that it was done."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from tierflow_events.domain.erasures import Erasure, FourEyesError, confirmed, heard_of
from tierflow_shared.contracts.outcomes import CustomerErased
from tierflow_shared.ids import derived_id
from tierflow_shared.store.unit_of_work import UnitOfWork

__all__ = ["ErasureBook", "Erasures", "FourEyesError", "carry_out", "confirm", "erased_event_id", "hear"]
Result = TypeVar("Result")


class ErasureBook(Protocol):
    """Erasures and keys inside a unit of work."""

    def get_for_update(self, erasure_id: str) -> Erasure | None: ...
    def keep(self, erasure: Erasure) -> None: ...

    def delete_key(self, customer_id: str) -> bool:
        """Deletes the key, and forgets it in memory and on disk after the commit. False if it was gone before."""


class Erasures(Protocol):
    """The erasures there are. Blocking."""

    def get(self, erasure_id: str) -> Erasure | None: ...
    def listed(self, after: tuple[int, str] | None, limit: int) -> Sequence[Erasure]: ...
    def of_customer(self, customer_id: str) -> Sequence[Erasure]: ...
    def key_made_at(self, customer_id: str) -> datetime | None: ...
    def in_transaction(self, work: Callable[[UnitOfWork], Result]) -> Result: ...


def confirm(book: ErasureBook, uow: UnitOfWork, erasure_id: str, by: str) -> Erasure | None:
    """The erasure, done; None if nobody asked for it. The key is gone in the transaction that says so.

    Raises:
        FourEyesError: who asked cannot confirm.
    """
    erasure = book.get_for_update(erasure_id)
    if erasure is None or erasure.state == "done":
        return erasure
    done = confirmed(erasure, by, uow.now)
    carry_out(book, uow, done)
    return done


def carry_out(book: ErasureBook, uow: UnitOfWork, done: Erasure) -> None:
    """Deletes the key and says so."""
    book.keep(done)
    book.delete_key(done.customer_id)
    uow.emit(done.told(), event_id=erased_event_id(done.id))


def erased_event_id(erasure_id: str) -> str:
    """The id of the message about an erasure: however often it is said, it is one event."""
    return derived_id("ev", "erased", erasure_id)


def hear(book: ErasureBook, told: CustomerErased) -> bool:
    """The log says that a customer was erased: a key that a restored database brought back goes again.

    True if something was left to do.
    """
    if book.get_for_update(told.erasure_id) is None:
        book.keep(heard_of(told))
    return book.delete_key(told.customer_id)
