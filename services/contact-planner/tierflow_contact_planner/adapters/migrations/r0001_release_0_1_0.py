"""The schema of release 0.1.0. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

from tierflow_shared.store.release_0_1_0 import create_shared_tables

revision: str = "contact_planner_0001"
down_revision: str | None = None


def upgrade() -> None:
    """All tables."""
    create_shared_tables()
    _customer()
    _manager()
    _product()
    _contact()
    _plan()
    _business_date()
    _seen_event()


def _customer() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("rm_id", sa.String(64)),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("customer_by_rm", "customer", ["rm_id", "customer_id"])


def _manager() -> None:
    op.create_table(
        "manager",
        sa.Column("rm_id", sa.String(64), primary_key=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )


def _product() -> None:
    op.create_table(
        "product",
        sa.Column("product_id", sa.String(64), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )


def _contact() -> None:
    op.create_table(
        "contact",
        sa.Column("contact_id", sa.String(64), primary_key=True),
        sa.Column("rm_id", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )
    op.create_index("contact_by_customer", "contact", ["customer_id", "planned_on", "contact_id"])
    op.create_index("contact_by_day", "contact", ["planned_on"])
    op.create_index("contact_by_rm", "contact", ["rm_id", "planned_on"])


def _plan() -> None:
    op.create_table(
        "plan",
        sa.Column("rm_id", sa.String(64), primary_key=True),
        sa.Column("first", sa.Date(), primary_key=True),
        sa.Column("last", sa.Date(), primary_key=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )


def _business_date() -> None:
    op.create_table(
        "business_date",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
    )


def _seen_event() -> None:
    op.create_table(
        "seen_event",
        sa.Column("identity", sa.LargeBinary(16), primary_key=True),
        sa.Column("content", sa.LargeBinary(8), nullable=False),
    )
