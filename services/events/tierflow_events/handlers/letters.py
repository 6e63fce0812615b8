"""Keeps the dead letters that all services report."""

from tierflow_events.domain.letters import Letter
from tierflow_events.domain.placing import Place
from tierflow_events.ports import LetterBook
from tierflow_shared.contracts.outcomes import DeadLetter


def keep_letter(reported: DeadLetter, book: LetterBook) -> bool:
    """Writes a reported dead letter down once. True if it was new.

    A message that was sent again because of a letter and failed again is a new letter that points back.
    """
    cause = _cause(reported, book)
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
            replay_of=cause.id if cause else None,
            first=(cause.first or cause.id) if cause else None,
        )
    )


def _cause(reported: DeadLetter, book: LetterBook) -> Letter | None:
    """The reporting service's own letter about the message, if there is one, else the one that was replayed."""
    replayed = book.get(reported.replay_of) if reported.replay_of else None
    if replayed is None or replayed.service == reported.service:
        return replayed
    return next((one for one in book.about(replayed.place) if one.service == reported.service), replayed)
