"""Who did what with a privilege. A step that was released is never edited."""

from tierflow_shared.store.acts_table import create_acts_table

revision: str = "events_0004"
down_revision: str | None = "events_0003"


def upgrade() -> None:
    """A table of its own."""
    create_acts_table()
