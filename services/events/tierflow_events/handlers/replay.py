"""Sends a dead letter's message again, to the same topic, with the same id, once."""

import asyncio
from datetime import datetime

from tierflow_events.domain.letters import Letter, Replay
from tierflow_events.domain.placing import Place
from tierflow_events.ports import Letters
from tierflow_shared.bus.port import Bus, Message, Producer, RetentionGapError, TopicPartition


class NotReplayableError(Exception):
    """The message cannot be sent again: it never lay on the log, or retention has removed it."""


class Replayer:
    """Services that had taken the message see its id again and drop it; the one that refused it takes it now."""

    def __init__(self, letters: Letters, bus: Bus, producer: Producer) -> None:
        self._letters, self._bus, self._producer = letters, bus, producer
        self._one_at_a_time = asyncio.Lock()

    async def replay(self, letter_id: str, *, by: str, at: datetime) -> Letter | None:
        """The letter with its replay; None if there is no such letter. A second call changes nothing.

        Raises:
            NotReplayableError: see there.
            BusUnavailableError: the log did not take it.
        """
        async with self._one_at_a_time:
            letter = await self._letters.get(letter_id)
            if letter is None or letter.replay is not None:
                return letter
            (position,) = await self._producer.publish([await self._message(letter)])
            await self._letters.replayed(letter_id, Replay(by, at, Place(*position)))
            return await self._letters.get(letter_id)

    async def _message(self, letter: Letter) -> Message:
        if not letter.can_be_replayed:
            raise NotReplayableError("this event was refused before it reached the log; the first content stays")
        topic, partition, offset = letter.place
        try:
            records = await self._bus.fetch(TopicPartition(topic, partition), offset, 1)
        except RetentionGapError:
            records = []
        if not records or records[0].offset != offset:
            raise NotReplayableError("the message is no longer on the log")
        record = records[0]
        return Message(record.topic, record.key, record.value, record.headers)
