"""Erasures over SQL. A row for each stays for ever: it is the audit of the act."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, select, tuple_

from tierflow_events.adapters.letters import milliseconds
from tierflow_events.adapters.tables import CUSTOMER_KEY, ERASURE
from tierflow_events.domain.erasures import Erasure
from tierflow_shared.privacy.store import delete_key
from tierflow_shared.privacy.vault import Vault
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import upsert
from tierflow_shared.store.unit_of_work import UnitOfWork

_C: Final = ERASURE.c
Result = TypeVar("Result")


class SqlErasureBook:
    """Implements `handlers.erasing.ErasureBook`."""

    def __init__(self, uow: UnitOfWork, vault: Vault) -> None:
        self._uow, self._vault = uow, vault

    def get_for_update(self, erasure_id: str) -> Erasure | None:
        query = select(ERASURE).where(_C.erasure_id == erasure_id).with_for_update()
        row = self._uow.connection.execute(query).first()
        return None if row is None else _erasure(row)

    def keep(self, erasure: Erasure) -> None:
        row = _row(erasure)
        statement = upsert(self._uow.connection, ERASURE).values(**row)
        self._uow.connection.execute(
            statement.on_conflict_do_update(
                index_elements=[_C.erasure_id],
                set_={name: row[name] for name in ("confirmed_by", "confirmed_at_ms")},
            )
        )

    def delete_key(self, customer_id: str) -> bool:
        deleted = delete_key(self._uow, CUSTOMER_KEY, customer_id)
        self._uow.after_commit(lambda: self._vault.forget([customer_id]))
        self._uow.after_commit(self._vault.settle)
        return deleted


def book_opener(vault: Vault) -> Callable[[UnitOfWork], SqlErasureBook]:
    """Opens the book of a unit of work."""
    return lambda uow: SqlErasureBook(uow, vault)


class SqlErasures:
    """Reads erasures. Blocking."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, erasure_id: str) -> Erasure | None:
        found = self._read(select(ERASURE).where(_C.erasure_id == erasure_id))
        return found[0] if found else None

    def listed(self, after: tuple[int, str] | None, limit: int) -> Sequence[Erasure]:
        """At most `limit`, oldest first, starting after these sort keys (time in ms, id)."""
        order = (_C.requested_at_ms, _C.erasure_id)
        query = select(ERASURE).order_by(*order).limit(limit)
        return self._read(query if after is None else query.where(tuple_(*order) > tuple_(*after)))

    def of_customer(self, customer_id: str) -> Sequence[Erasure]:
        return self._read(select(ERASURE).where(_C.customer_id == customer_id).order_by(_C.requested_at_ms))

    def key_made_at(self, customer_id: str) -> datetime | None:
        """When the customer's key was made; None without a key."""
        query = select(CUSTOMER_KEY.c.created_at_ms).where(
            CUSTOMER_KEY.c.customer_id == customer_id, CUSTOMER_KEY.c.wrapped.is_not(None)
        )
        with self._database.reading() as connection:
            made = connection.execute(query).scalar()
        return None if made is None else _moment(made)

    def in_transaction(self, work: Callable[[UnitOfWork], Result]) -> Result:
        """What `work` does in a unit of work of its own."""
        with self._database.writing() as uow:
            return work(uow)

    def _read(self, query: Select[Any]) -> list[Erasure]:
        with self._database.reading() as connection:
            return [_erasure(row) for row in connection.execute(query)]


def _row(erasure: Erasure) -> dict[str, object]:
    return {
        "erasure_id": erasure.id,
        "customer_id": erasure.customer_id,
        "basis": erasure.basis,
        "requested_by": erasure.requested_by,
        "requested_at_ms": milliseconds(erasure.requested_at),
        "confirmed_by": erasure.confirmed_by,
        "confirmed_at_ms": None if erasure.confirmed_at is None else milliseconds(erasure.confirmed_at),
    }


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        row.erasure_id,
        row.customer_id,
        row.basis,
        row.requested_by,
        _moment(row.requested_at_ms),
        row.confirmed_by,
        None if row.confirmed_at_ms is None else _moment(row.confirmed_at_ms),
    )


def _moment(milliseconds_since_1970: int) -> datetime:
    return datetime.fromtimestamp(milliseconds_since_1970 / 1000, UTC)
