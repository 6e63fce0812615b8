"""Few, wide rows in the outbox. A step that was released is never edited."""

from tierflow_shared.store.wide_outbox import widen_outbox

revision: str = "contact_planner_0002"
down_revision: str | None = "contact_planner_0001"


def upgrade() -> None:
    """What waits in the outbox is kept."""
    widen_outbox()
