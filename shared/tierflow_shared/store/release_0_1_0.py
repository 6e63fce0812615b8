"""The tables that every service has beside its own, as release 0.1.0 made them. Migrations use this; never edit it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

AUTO_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_shared_tables() -> None:
    """The first step of every service."""
    op.create_table(
        "outbox",
        sa.Column("seq", AUTO_ID, primary_key=True, autoincrement=True),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("partition", sa.Integer()),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "dead_letter",
        sa.Column("dead_letter_id", sa.String(64), primary_key=True),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("event_source", sa.String(200), nullable=False),
        sa.Column("event_type", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("dead_letter_by_time", "dead_letter", ["occurred_at_ms", "dead_letter_id"])
    op.create_table(
        "consumer_position",
        sa.Column("topic", sa.String(64), primary_key=True),
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "consumption",
        sa.Column("event_type", sa.String(200), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("idempotency_by_age", "idempotency", ["created_at_ms"])
