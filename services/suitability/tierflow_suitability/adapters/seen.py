"""Which events had their effect: a producer's repetition has none, also a month later."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Table, insert, select

from tierflow_shared.store.unit_of_work import UnitOfWork

_CHUNK: Final = 5_000


class SqlSeenEvents:
    """Implements `handlers.transactions.SeenEvents`."""

    def __init__(self, uow: UnitOfWork, table: Table, identities: Sequence[bytes]) -> None:
        self._uow, self._table = uow, table
        self._fresh: dict[bytes, bytes] = {}
        self._known: dict[bytes, bytes] = {}
        for start in range(0, len(identities), _CHUNK):
            chunk = identities[start : start + _CHUNK]
            rows = uow.connection.execute(select(table).where(table.c.identity.in_(chunk)))
            self._known.update((bytes(row.identity), bytes(row.content)) for row in rows)

    def content(self, identity: bytes) -> bytes | None:
        return self._known.get(identity)

    def keep(self, identity: bytes, content: bytes) -> None:
        if identity not in self._known:
            self._known[identity] = self._fresh[identity] = content

    def flush(self) -> None:
        if self._fresh:
            rows = [{"identity": identity, "content": content} for identity, content in self._fresh.items()]
            self._uow.connection.execute(insert(self._table), rows)
