"""The step that gives a service its table of privileged acts. Migrations use this; never edit it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

_AUTO_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_acts_table() -> None:
    """An empty table."""
    op.create_table(
        "privileged_act",
        sa.Column("seq", _AUTO_ID, primary_key=True, autoincrement=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("thing", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("trace", sa.String(32), nullable=False),
    )
