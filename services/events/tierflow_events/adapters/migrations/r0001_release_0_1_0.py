"""The schema of release 0.1.0. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

from tierflow_shared.store.release_0_1_0 import create_shared_tables

revision: str = "events_0001"
down_revision: str | None = None


def upgrade() -> None:
    """All tables."""
    create_shared_tables()
    _event_index()
    _letter()
    _business_date()


def _event_index() -> None:
    op.create_table(
        "event_index",
        sa.Column("id_hash", sa.LargeBinary(16), primary_key=True),
        sa.Column("content_hash", sa.LargeBinary(8), nullable=False),
        sa.Column("topic", sa.SmallInteger(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def _letter() -> None:
    op.create_table(
        "letter",
        sa.Column("letter_id", sa.String(64), primary_key=True),
        sa.Column("service", sa.String(64), nullable=False),
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
        sa.Column("replayed_by", sa.String(64)),
        sa.Column("replayed_at_ms", sa.BigInteger()),
        sa.Column("replay_partition", sa.Integer()),
        sa.Column("replay_offset", sa.BigInteger()),
    )
    op.create_index("letter_by_key", "letter", ["key", "occurred_at_ms"])
    op.create_index("letter_by_position", "letter", ["topic", "partition", "offset"])
    op.create_index("letter_by_time", "letter", ["occurred_at_ms", "letter_id"])


def _business_date() -> None:
    op.create_table(
        "business_date",
        sa.Column("business_date", sa.String(10), primary_key=True),
        sa.Column("advanced_by", sa.String(64), nullable=False),
        sa.Column("advanced_at_ms", sa.BigInteger(), nullable=False),
    )
