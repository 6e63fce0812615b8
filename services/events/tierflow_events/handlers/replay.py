"""Sends dead letters' messages again, to the same topic, with the same id.

A letter is first taken in hand in the database, then the message is published, then its place is noted. Whoever finds
a letter that a crash left in hand goes on; the message has the same id, so a second copy has no effect.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tierflow_events.domain.letters import LETTER_HEADER, Letter, LetterFilter, Replay
from tierflow_events.domain.placing import Place
from tierflow_events.handlers.original import NotReplayableError, original_of
from tierflow_events.ports import Letters
from tierflow_shared.bus.port import Bus, Message, Producer

Result = Literal["replayed", "already", "not-replayable"]
LogOrder = tuple[str, int, int, str]


class AlreadyFixedError(Exception):
    """A corrected event stands in for the letter; there is nothing left to send again."""


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """Which letters to replay, who wants it, and behind which letter to go on."""

    wanted: LetterFilter
    limit: int
    after: LogOrder | None
    by: str
    at: datetime
    run: str


class BulkStep(NamedTuple):
    """What became of each letter of a step, in log order, and whether there are more."""

    results: Sequence[tuple[Letter, Result]]
    more: bool


class Replayer:
    """Services that had taken the message see its id again and drop it; the one that refused it takes it now."""

    def __init__(self, letters: Letters, bus: Bus, producer: Producer) -> None:
        self._letters, self._bus, self._producer = letters, bus, producer
        self._one_at_a_time = asyncio.Lock()

    async def replay(self, letter_id: str, *, by: str, at: datetime) -> Letter | None:
        """The letter with its replay; None if there is no such letter. A second call changes nothing.

        Raises:
            NotReplayableError: see there.
            AlreadyFixedError: see there.
            BusUnavailableError: the log did not take it.
        """
        async with self._one_at_a_time:
            letter = await self._letters.get(letter_id)
            if letter is None:
                return None
            if letter.replay is not None and letter.replay.kind == "fix":
                raise AlreadyFixedError
            if letter.is_sent:
                return letter
            message = await self._message(letter)
            await self._send([(letter, message)], Replay(by, at, None))
            return await self._letters.get(letter_id)

    async def replay_some(self, order: BulkOrder) -> BulkStep:
        """Replays the next open letters in the order of the log, so that a customer's messages keep theirs.

        Letters that this run's own replays caused are left out, so that a run ends.

        Raises:
            BusUnavailableError: the log did not take the step's messages; repeat the step.
        """
        async with self._one_at_a_time:
            found = await self._letters.open_in_log_order(
                order.wanted, order.after, order.limit + 1, not_of_run=order.run
            )
            letters = found[: order.limit]
            ready, results = [], dict[str, Result]()
            for letter in letters:
                try:
                    ready.append((letter, await self._message(letter)))
                except NotReplayableError:
                    results[letter.id] = "not-replayable"
            sent = await self._send(ready, Replay(order.by, order.at, None, run=order.run))
            for letter, _ in ready:
                results[letter.id] = "replayed" if letter.id in sent else "already"
        return BulkStep([(letter, results[letter.id]) for letter in letters], len(found) > order.limit)

    async def _message(self, letter: Letter) -> Message:
        record = await original_of(letter, self._bus)
        headers = tuple(header for header in record.headers if header[0] != LETTER_HEADER)
        return Message(record.topic, record.key, record.value, (*headers, (LETTER_HEADER, letter.id.encode())))

    async def _send(self, ready: Sequence[tuple[Letter, Message]], replay: Replay) -> frozenset[str]:
        """Publishes those that nobody else has in hand; returns their letters."""
        fresh = [letter.id for letter, _ in ready if letter.replay is None]
        taken = await self._letters.take_in_hand(fresh, replay) if fresh else frozenset[str]()
        mine = [(letter, message) for letter, message in ready if letter.replay is not None or letter.id in taken]
        if not mine:
            return frozenset()
        positions = await self._producer.publish([message for _, message in mine])
        places = {letter.id: Place(*at) for (letter, _), at in zip(mine, positions, strict=True)}
        await self._letters.sent(places)
        return frozenset(places)
