"""What became of a dead letter. A step that was released is never edited."""

import sqlalchemy as sa
from alembic import op

revision: str = "events_0003"
down_revision: str | None = "events_0002"


def upgrade() -> None:
    """Columns for corrected events, bulk replays, and the letter whose replay failed again."""
    with op.batch_alter_table("letter") as letter:
        letter.add_column(sa.Column("replay_kind", sa.String(16)))
        letter.add_column(sa.Column("replay_run", sa.String(64)))
        letter.add_column(sa.Column("replay_event_id", sa.String(200)))
        letter.add_column(sa.Column("replay_content", sa.LargeBinary(8)))
        letter.add_column(sa.Column("replay_of", sa.String(64)))
        letter.add_column(sa.Column("first_letter_id", sa.String(64)))
    op.create_index("letter_by_replay_of", "letter", ["replay_of"])
