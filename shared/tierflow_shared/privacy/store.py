"""Customers' wrapped keys: a table of the events service's database, in which an erased customer leaves a mark."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, bindparam, select, text, update
from sqlalchemy.exc import OperationalError, ProgrammingError

from tierflow_shared.privacy.kms import Wrapped
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import upsert
from tierflow_shared.store.engine import DependencyError
from tierflow_shared.store.unit_of_work import UnitOfWork

# Both databases take at least 32,766 parameters in a statement.
_CHUNK: Final = 5_000


class KeysUnavailableError(DependencyError):
    """The table of the keys cannot be read now."""


def key_table(metadata: MetaData) -> Table:
    """The table of the keys. The row of an erased customer stays, without a key, so that no new one can come."""
    name = "customer_key"
    if name in metadata.tables:
        return metadata.tables[name]
    return Table(
        name,
        metadata,
        Column("customer_id", String(64), primary_key=True),
        Column("kek_id", String(16), nullable=False),
        Column("wrapped", LargeBinary),
        Column("created_at_ms", BigInteger, nullable=False),
        Column("erased_at_ms", BigInteger),
    )


class SqlKeyStore:
    """Reads and adds keys. Blocking: call it from worker threads."""

    def __init__(self, database: Database) -> None:
        self._database, self._table = database, key_table(database.metadata)

    def read(self, customer_ids: Sequence[str]) -> Mapping[str, Wrapped | None]:
        """The keys that there are; None for an erased customer; nothing for one who never had a key."""
        table, found = self._table, dict[str, Wrapped | None]()
        try:
            with self._database.reading() as connection:
                for chunk in _chunks(customer_ids):
                    for row in connection.execute(select(table).where(table.c.customer_id.in_(chunk))):
                        key = None if row.wrapped is None else Wrapped(row.kek_id, bytes(row.wrapped))
                        found[row.customer_id] = key
        except (ProgrammingError, OperationalError) as error:
            raise KeysUnavailableError(f"the customers' keys cannot be read ({type(error).__name__})") from None
        return found

    def add(self, keys: Mapping[str, Wrapped]) -> None:
        """Adds keys, durable on return; whoever came first stays, and so does the mark of an erased customer."""
        now_ms = self._database.now_ms()
        rows = [
            {"customer_id": customer_id, "kek_id": key.kek_id, "wrapped": key.wrapped, "created_at_ms": now_ms}
            for customer_id, key in sorted(keys.items())
        ]
        try:
            with self._database.writing() as uow:
                uow.connection.execute(upsert(uow.connection, self._table).on_conflict_do_nothing(), rows)
        except (ProgrammingError, OperationalError) as error:
            raise KeysUnavailableError(f"the customers' keys take nothing new ({type(error).__name__})") from None

    def wrapped_otherwise(self, kek_id: str, limit: int) -> Mapping[str, Wrapped]:
        """At most `limit` keys that are not wrapped with this key-encryption key."""
        table = self._table
        query = select(table).where(table.c.kek_id != kek_id, table.c.wrapped.is_not(None)).limit(limit)
        with self._database.reading() as connection:
            return {row.customer_id: Wrapped(row.kek_id, bytes(row.wrapped)) for row in connection.execute(query)}

    def rewrap(self, keys: Mapping[str, tuple[Wrapped, Wrapped]]) -> None:
        """Replaces each key's wrapping (before, after); one that has changed or was erased meanwhile stays."""
        table = self._table
        statement = (
            update(table)
            .where(table.c.customer_id == bindparam("id"), table.c.wrapped == bindparam("before"))
            .values(kek_id=bindparam("kek"), wrapped=bindparam("after"))
        )
        rows = [
            {"id": customer_id, "before": before.wrapped, "kek": after.kek_id, "after": after.wrapped}
            for customer_id, (before, after) in sorted(keys.items())
        ]
        with self._database.writing() as uow:
            _forget_what_is_freed(uow)
            uow.connection.execute(statement, rows)
        self.settle()

    def kek_ids(self) -> frozenset[str]:
        """The key-encryption keys that some key is wrapped with."""
        query = select(self._table.c.kek_id).where(self._table.c.wrapped.is_not(None)).distinct()
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def settle(self) -> None:
        """SQLite: writes the log file beside the database back and empties it, so that no old key stays in it."""
        if self._database.is_sqlite:
            with self._database.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")  # the engine has begun; a checkpoint runs outside of transactions
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")

    def close(self) -> None:
        self._database.close()


def delete_key(uow: UnitOfWork, table: Table, customer_id: str) -> bool:
    """Deletes a customer's key and leaves the mark, in the caller's transaction. False if it was gone before."""
    _forget_what_is_freed(uow)
    now_ms = int(uow.now.timestamp() * 1000)
    mark = {"customer_id": customer_id, "kek_id": "", "wrapped": None, "created_at_ms": now_ms, "erased_at_ms": now_ms}
    statement = upsert(uow.connection, table).values(**mark)
    changed = uow.connection.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.customer_id],
            set_={"kek_id": "", "wrapped": None, "erased_at_ms": now_ms},
            where=table.c.erased_at_ms.is_(None),
        ).returning(table.c.customer_id)
    )
    return changed.first() is not None


def _forget_what_is_freed(uow: UnitOfWork) -> None:
    """SQLite overwrites with zeros what it frees; PostgreSQL cannot: docs/how-to/personal-data.md says what to do."""
    if uow.connection.dialect.name == "sqlite":
        uow.connection.execute(text("PRAGMA secure_delete = ON"))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
