"""Who did what with a privilege. A step that was released is never edited."""

from tierflow_shared.store.acts_table import create_acts_table

revision: str = "contact_planner_0003"
down_revision: str | None = "contact_planner_0002"


def upgrade() -> None:
    """A table of its own."""
    create_acts_table()
