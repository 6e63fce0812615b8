"""The schema of release 0.1.0. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

from tierflow_shared.store.release_0_1_0 import AUTO_ID, create_shared_tables

revision: str = "scoring_0001"
down_revision: str | None = None


def upgrade() -> None:
    """All tables."""
    create_shared_tables()
    _customer()
    _account_day()
    _business_day()
    _partition_state()
    _book_statistics()
    _holding_value()
    _tier_segment()
    _tier_published()


def _customer() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("customer_by_partition", "customer", ["partition", "customer_id"])


def _account_day() -> None:
    op.create_table(
        "account_day",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.String(64), primary_key=True),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("debit_minor", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.Integer(), nullable=False),
        sa.Column("own_transactions", sa.Integer(), nullable=False),
        sa.Column("fees_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), nullable=False),
        sa.Column("inflow_minor", sa.BigInteger(), nullable=False),
        sa.Column("ledger", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )


def _business_day() -> None:
    op.create_table(
        "business_day",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _partition_state() -> None:
    op.create_table(
        "partition_state",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("open_day", sa.Integer(), nullable=False),
    )


def _book_statistics() -> None:
    op.create_table(
        "book_statistics",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("percentiles", sa.LargeBinary(), nullable=False),
    )


def _holding_value() -> None:
    op.create_table(
        "holding_value",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("holding_id", sa.String(64), primary_key=True),
        sa.Column("as_of", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("stamp_time", sa.String(40), nullable=False),
        sa.Column("stamp_source", sa.String(200), nullable=False),
        sa.Column("stamp_id", sa.String(200), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("holding_value_by_day", "holding_value", ["partition", "as_of"])


def _tier_segment() -> None:
    op.create_table(
        "tier_segment",
        sa.Column("segment_id", AUTO_ID, primary_key=True, autoincrement=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("scheme", sa.String(64), nullable=False),
        sa.Column("valid_from", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(64), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("pending_tier", sa.String(64)),
        sa.Column("pending_since", sa.Integer()),
        sa.Column("pending_due", sa.Integer()),
        sa.Column("policy_version", sa.String(64), nullable=False),
        sa.Column("measure", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("known_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("known_from_day", sa.Integer(), nullable=False),
        sa.Column("known_until_ms", sa.BigInteger()),
        sa.Column("known_until_day", sa.Integer()),
    )
    op.create_index("tier_segment_by_customer", "tier_segment", ["customer_id", "scheme", "valid_from"])


def _tier_published() -> None:
    op.create_table(
        "tier_published",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("scheme", sa.String(64), primary_key=True),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(64), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("pending_tier", sa.String(64)),
        sa.Column("pending_since", sa.Integer()),
        sa.Column("pending_due", sa.Integer()),
        sa.Column("policy_version", sa.String(64), nullable=False),
        sa.Column("effective_on", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
