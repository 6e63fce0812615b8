"""The message that a dead letter is about, read from the log."""

from tierflow_events.domain.letters import Letter
from tierflow_shared.bus.port import Bus, Record, RetentionGapError, TopicPartition


class NotReplayableError(Exception):
    """The message cannot be sent again: it never lay on the log, or retention has removed it."""


async def original_of(letter: Letter, bus: Bus) -> Record:
    """The message.

    Raises:
        NotReplayableError: see there.
        BusUnavailableError: the log cannot be read now.
    """
    if not letter.can_be_replayed:
        raise NotReplayableError("this event was refused before it reached the log; the first content stays")
    topic, partition, offset = letter.place
    try:
        records = await bus.fetch(TopicPartition(topic, partition), offset, 1)
    except RetentionGapError:
        records = []
    if not records or records[0].offset != offset:
        raise NotReplayableError("the message is no longer on the log")
    return records[0]
