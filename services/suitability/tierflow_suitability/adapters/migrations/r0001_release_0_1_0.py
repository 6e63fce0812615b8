"""The schema of release 0.1.0. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

from tierflow_shared.store.release_0_1_0 import AUTO_ID, create_shared_tables

revision: str = "suitability_0001"
down_revision: str | None = None


def upgrade() -> None:
    """All tables."""
    create_shared_tables()
    _customer()
    _person()
    _assessment()
    _reference()
    _sale()
    _audit()
    _mark()
    _seen()


def _customer() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("registers", sa.LargeBinary(), nullable=False),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("birth_date", sa.LargeBinary(), nullable=False),
    )


def _assessment() -> None:
    op.create_table(
        "assessment",
        sa.Column("assessment_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("answered_at_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("assessment_by_customer", "assessment", ["customer_id", "answered_at_us", "assessment_id"])


def _reference() -> None:
    op.create_table(
        "reference",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("item_id", sa.String(64), primary_key=True),
        sa.Column("time", sa.String(40), primary_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("event_id", sa.String(200), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def _sale() -> None:
    op.create_table(
        "sale",
        sa.Column("sale_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("product_id", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("expires_on", sa.String(10), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("sale_by_customer", "sale", ["customer_id", "sale_id"])
    op.create_index("sale_by_deadline", "sale", ["is_open", "partition", "expires_on"])
    op.create_index("sale_by_state", "sale", ["state", "product_id", "sale_id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", AUTO_ID, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("sale_id", sa.String(64)),
        sa.Column("decision_id", sa.String(64)),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("audit_by_decision", "audit", ["decision_id"])


def _mark() -> None:
    op.create_table(
        "mark",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("value", sa.String(100), nullable=False),
    )


def _seen() -> None:
    op.create_table(
        "seen",
        sa.Column("identity", sa.LargeBinary(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
