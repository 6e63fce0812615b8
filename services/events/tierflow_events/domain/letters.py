"""Dead letters of all services, as operators see them: where a message lies and why it was not taken."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tierflow_events.domain.placing import Place

# Reason of an event that came again with other content. Its content was never on the log.
CONFLICT: Final = "content-conflict"


@dataclass(frozen=True, slots=True)
class Replay:
    """Who sent a dead letter again, when, and where it lies now."""

    by: str
    at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that one service could not take. Never its content."""

    id: str
    service: str
    place: Place
    key: str
    event_id: str
    event_source: str
    event_type: str
    reason: str
    detail: str
    occurred_at: datetime
    replay: Replay | None = None

    @property
    def occurred_at_ms(self) -> int:
        """Milliseconds since 1970: what the list is sorted by."""
        return int(self.occurred_at.timestamp() * 1000)

    @property
    def can_be_replayed(self) -> bool:
        """False for what never lay on the log."""
        return self.reason != CONFLICT


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters to list; None leaves a field open. `since` belongs to the range, `until` does not."""

    event_type: str | None = None
    key: str | None = None
    service: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
