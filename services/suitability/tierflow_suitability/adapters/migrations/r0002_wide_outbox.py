"""Few, wide rows in the outbox; a sale's verdicts stored once, smaller indexes. A released step is never edited."""

import sqlalchemy as sa
from alembic import op

from tierflow_shared.store.wide_outbox import widen_outbox

revision: str = "suitability_0002"
down_revision: str | None = "suitability_0001"


def upgrade() -> None:
    """What waits in the outbox is kept; the verdicts are in each sale's document."""
    widen_outbox()
    op.drop_index("sale_by_state", "sale")
    op.drop_index("sale_by_deadline", "sale")
    op.execute("ALTER TABLE sale DROP COLUMN verdicts")
    waiting, open_on = sa.text("state = 'requested'"), {"sqlite": "is_open = 1", "postgresql": "is_open"}
    op.create_index("sale_waiting", "sale", ["product_id", "staff_id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index(
        "sale_by_deadline",
        "sale",
        ["expires_on"],
        sqlite_where=sa.text(open_on["sqlite"]),
        postgresql_where=sa.text(open_on["postgresql"]),
    )
