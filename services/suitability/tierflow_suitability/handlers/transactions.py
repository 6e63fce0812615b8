"""How the edges open the working set of a transaction, whatever database lies behind it."""

from collections.abc import Sequence
from typing import Protocol

from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_suitability.ports import Desk, Needed


class OpenDesk(Desk, Protocol):
    """A working set that still has to be written."""

    def flush(self) -> None:
        """Writes everything that was kept; the caller commits."""


class SeenEvents(Protocol):
    """Which events had their effect before, by the hash of source and id. One read and one write for a poll."""

    def content(self, identity: bytes) -> bytes | None:
        """The hash of what the event said, or None if it is new."""

    def keep(self, identity: bytes, content: bytes) -> None:
        """Remembers that a new event had its effect."""

    def flush(self) -> None:
        """Writes what is new; the caller commits."""


class Desks(Protocol):
    """Opens what a transaction works with."""

    def open(self, uow: UnitOfWork, needed: Needed) -> OpenDesk:
        """A working set with everything that is needed; `flush` it before the commit."""

    def seen(self, uow: UnitOfWork, identities: Sequence[bytes]) -> SeenEvents:
        """What is known of these events."""
