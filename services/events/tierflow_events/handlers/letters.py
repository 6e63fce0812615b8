"""Keeps the dead letters that all services report."""

from tierflow_events.domain.letters import Letter
from tierflow_events.domain.placing import Place
from tierflow_events.ports import LetterBook
from tierflow_shared.contracts.outcomes import DeadLetter


def keep_letter(reported: DeadLetter, book: LetterBook) -> bool:
    """Writes a reported dead letter down once. True if it was new."""
    return book.add(
        Letter(
            id=reported.dead_letter_id,
            service=reported.service,
            place=Place(reported.topic, reported.partition, reported.offset),
            key=reported.key,
            event_id=reported.event_id,
            event_source=reported.event_source,
            event_type=reported.event_type,
            reason=reported.reason,
            detail=reported.detail,
            occurred_at=reported.occurred_at,
        )
    )
