"""Privileged acts: who did what to what, when, and how it came out, written in the transaction of the act itself."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Row, insert, select

from tierflow_shared.logs import trace_id
from tierflow_shared.store.tables import SharedTables
from tierflow_shared.store.unit_of_work import UnitOfWork


class Act(NamedTuple):
    """One act. `subject` is the token's subject, `thing` the id of what it was done to; never anything personal."""

    subject: str
    action: str
    thing: str
    outcome: str = "done"


class ActFilter(NamedTuple):
    """Which acts to list; None leaves a field open. `since` belongs to the range, `until` (both in ms) does not."""

    subject: str | None = None
    action: str | None = None
    thing: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def record_acts(uow: UnitOfWork, acts: Sequence[Act]) -> None:
    """Writes acts down; they are there if and only if the transaction is."""
    if not acts:
        return
    at_ms, trace = int(uow.now.timestamp() * 1000), trace_id.get()
    rows = [{**act._asdict(), "at_ms": at_ms, "trace": trace} for act in acts]
    uow.connection.execute(insert(uow.tables.act), rows)


def read_acts(
    connection: Connection, tables: SharedTables, wanted: ActFilter, before: int | None, limit: int
) -> Sequence[Row[tuple[object, ...]]]:
    """Acts that meet all that is named, newest first, before the one with the number `before`."""
    table = tables.act
    named = {table.c.subject: wanted.subject, table.c.action: wanted.action, table.c.thing: wanted.thing}
    query = select(table).where(*(column == value for column, value in named.items() if value is not None))
    if wanted.since_ms is not None:
        query = query.where(table.c.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(table.c.at_ms < wanted.until_ms)
    if before is not None:
        query = query.where(table.c.seq < before)
    return connection.execute(query.order_by(table.c.seq.desc()).limit(limit)).all()
