"""Dead letters of all services, as operators see them: where a message lies, why it was refused, what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from tierflow_events.domain.placing import Place

# Reason of an event that came again with other content. Its content was never on the log.
CONFLICT: Final = "content-conflict"
# Reasons for which a first content of the same event took effect: a corrected event would be a second effect.
TAKEN_BEFORE: Final = frozenset({CONFLICT, "conflicting-content", "id-reused"})
# CloudEvents attributes (as headers on the log) of a message that was sent because of a dead letter.
LETTER_HEADER: Final = "ce_deadletter"
REPLACED_ID_HEADER: Final = "ce_replacesid"
REPLACED_SOURCE_HEADER: Final = "ce_replacessource"

Kind = Literal["replay", "fix"]
State = Literal["open", "replayed"]
Outcome = Literal["sending", "waiting", "passed", "failed-again"]


@dataclass(frozen=True, slots=True)
class Replay:
    """Who sent a dead letter again, or a corrected event in its place; when; and where that lies.

    `place` is None from the moment somebody took the letter in hand until the log has the message.
    """

    by: str
    at: datetime
    place: Place | None
    kind: Kind = "replay"
    run: str | None = None
    event_id: str | None = None  # of the corrected event
    content: bytes | None = None  # hash of what the corrected event says


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that one service could not take. Never its content.

    `replay_of` is the letter whose replay failed again as this one, `first` the letter with which it all began.
    """

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
    replay_of: str | None = None
    first: str | None = None

    @property
    def occurred_at_ms(self) -> int:
        """Milliseconds since 1970: what the list is sorted by."""
        return int(self.occurred_at.timestamp() * 1000)

    @property
    def can_be_replayed(self) -> bool:
        """False for what never lay on the log."""
        return self.reason != CONFLICT

    @property
    def is_sent(self) -> bool:
        """True when the log has the message again, or the corrected one."""
        return self.replay is not None and self.replay.place is not None


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters to list; None leaves a field open. `since` belongs to the range, `until` does not."""

    event_type: str | None = None
    key: str | None = None
    service: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = None
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """How many letters have service, type and reason in common."""

    service: str
    event_type: str
    reason: str
    letters: int


def outcome_of(letter: Letter, position: int | None, failed_again: bool) -> Outcome | None:
    """What became of a letter; None while it is open. `position` is the next offset its service reads there.

    "passed" means that the service has read beyond the message and reported nothing so far.
    """
    if letter.replay is None:
        return None
    if letter.replay.place is None:
        return "sending"
    if failed_again:
        return "failed-again"
    return "passed" if position is not None and position > letter.replay.place.offset else "waiting"
