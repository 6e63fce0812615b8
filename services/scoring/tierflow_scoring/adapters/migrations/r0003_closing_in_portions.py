"""How far the closing of business days has come. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

revision: str = "scoring_0003"
down_revision: str | None = "scoring_0002"


def upgrade() -> None:
    """Two tables, both empty while no day is being closed."""
    op.create_table(
        "day_closing",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("since_day", sa.Integer(), nullable=False),
        sa.Column("done_through", sa.String(64), nullable=False),
        sa.Column("cause_topic", sa.String(64), nullable=False),
        sa.Column("cause_offset", sa.BigInteger(), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
    )
    op.create_table(
        "closed_ahead",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sqlite_with_rowid=False,
    )
