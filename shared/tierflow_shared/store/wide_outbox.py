"""The second step of every service: few, wide rows in the outbox. Migrations use this; never edit it."""

from typing import Final

import msgspec
import sqlalchemy as sa
from alembic import op

_HEADERS: Final = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode
_AUTO_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE: Final = 500


def widen_outbox() -> None:
    """Makes the table anew; what waited in it waits in the new one, in the same order."""
    connection = op.get_bind()
    names = "topic, key, partition, headers, value"
    waiting = connection.execute(sa.text(f"SELECT {names} FROM outbox ORDER BY seq")).all()  # noqa: S608
    op.drop_table("outbox")
    outbox = op.create_table(
        "outbox",
        sa.Column("seq", _AUTO_ID, primary_key=True, autoincrement=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    for first in range(0, len(waiting), _AT_ONCE):
        part = waiting[first : first + _AT_ONCE]
        said = [(row.topic, row.key, row.value, _HEADERS(row.headers), row.partition) for row in part]
        row = {"created_at_ms": 0, "messages": len(said), "body": msgspec.msgpack.encode(said)}
        connection.execute(sa.insert(outbox), row)
