"""The message that a dead letter is about, read from the log."""

import msgspec

from tierflow_events.domain.letters import Letter
from tierflow_events.ports import EventVault
from tierflow_shared.bus.port import Bus, Record, RetentionGapError, TopicPartition
from tierflow_shared.privacy.vault import NotOpenedError
from tierflow_shared.stream.events import RefusedError, decode


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


def opened_value(record: Record, vault: EventVault) -> bytes:
    """The message's data in the clear, for a correction that is sealed again; byte for byte where nothing is sealed.

    Raises:
        DependencyError: the keys cannot be had now.
    """
    try:
        data = decode(record).data
    except RefusedError:
        return record.value
    if not getattr(data, "sealed", None):
        return record.value
    (opened,) = vault.open_events([data])
    if isinstance(opened, NotOpenedError):
        raise NotReplayableError("its personal fields cannot be opened; the key of the customer is lost")
    return msgspec.json.encode(opened)


def plain_value(value: bytes) -> bytes:
    """The data without what is sealed, for a look at the rest; the value itself if it is not a JSON object."""
    try:
        content = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value
    if not isinstance(content, dict) or "sealed" not in content:
        return value
    del content["sealed"]
    return msgspec.json.encode(content)
