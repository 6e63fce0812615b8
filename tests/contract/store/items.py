"""A table with a column of each kind that services use."""

from typing import NoReturn

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    select,
)

from tierflow_shared.bus.port import Record
from tierflow_shared.store.unit_of_work import UnitOfWork

COLUMNS = ("key", "number", "flag", "note", "raw", "day", "small")
HEAD = f"INSERT INTO item ({', '.join(COLUMNS)})"
WITHOUT_DAY = "INSERT INTO item (key, number, flag, note, raw, small)"
REPLACE = "ON CONFLICT (key) DO UPDATE SET number = excluded.number, note = excluded.note, raw = excluded.raw"
KEEP = "ON CONFLICT DO NOTHING"


def items() -> tuple[MetaData, Table]:
    metadata = MetaData()
    item = Table(
        "item",
        metadata,
        Column("key", String(64), primary_key=True),
        Column("number", BigInteger, nullable=False),
        Column("flag", Boolean, nullable=False),
        Column("note", Text),
        Column("raw", LargeBinary, nullable=False),
        Column("day", Date),
        Column("small", Integer),
    )
    return metadata, item


def row(key: str, number: int = 0, note: str | None = None, raw: bytes = b"") -> tuple[object, ...]:
    """A row in the order of `COLUMNS`, without a day."""
    return (key, number, True, note, raw, None, 1)


def fail_after(_done: None) -> NoReturn:
    """Raises in the middle of a unit of work, as an unforeseen bug would."""
    raise ZeroDivisionError


def numbers(connection: Connection, item: Table) -> dict[str, int]:
    return {found.key: found.number for found in connection.execute(select(item))}


def record(offset: int, key: str = "c-1") -> Record:
    headers = (("ce_id", b"e-1"), ("ce_source", b"/bank"))
    return Record("bank.events", 0, offset, 0, key, "bank.kyc.updated.v1", headers, b"{}")


def add(uow: UnitOfWork, item: Table, key: str, number: int) -> None:
    """Read, then write what follows from it: what loses updates when nothing orders the writers."""
    before = uow.connection.execute(select(item.c.number).where(item.c.key == key)).scalar_one()
    uow.connection.execute(item.update().where(item.c.key == key).values(number=before + number))
