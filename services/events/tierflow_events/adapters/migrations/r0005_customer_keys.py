"""A key for each customer, and who erased whom. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

revision: str = "events_0005"
down_revision: str | None = "events_0003"


def upgrade() -> None:
    """The customers' wrapped keys and the erasures."""
    op.create_table(
        "customer_key",
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("kek_id", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("erased_at_ms", sa.BigInteger()),
    )
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(64), nullable=False),
        sa.Column("basis", sa.String(32), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(64)),
        sa.Column("confirmed_at_ms", sa.BigInteger()),
    )
    op.create_index("erasure_by_customer", "erasure", ["customer_id"])
