"""Takes events: not twice, not contradicting themselves, and only once the log has them."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from tierflow_events.domain.placing import Candidate, Place, Placement, placements, plan
from tierflow_events.ports import EventIndex
from tierflow_shared.bus.port import Message, Producer


class TooBusyError(Exception):
    """More requests wait than the limit allows; nothing of this one was taken."""


class _Waiting(NamedTuple):
    candidates: Sequence[Candidate]
    answer: "asyncio.Future[Sequence[Placement]]"


class Ingest:
    """Requests that arrive while others are being written share the next look-up, publication and commit."""

    def __init__(self, index: EventIndex, producer: Producer, *, max_waiting: int, max_group_events: int) -> None:
        self._index, self._producer = index, producer
        self._max_waiting, self._max_group_events = max_waiting, max_group_events
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def take(self, candidates: Sequence[Candidate]) -> Sequence[Placement]:
        """What became of each candidate, in order. On return the accepted ones are durable on the log.

        Raises:
            TooBusyError: too many requests wait.
            BusUnavailableError: the log did not take them; none was accepted.
        """
        if not candidates:
            return []
        if len(self._waiting) >= self._max_waiting:
            raise TooBusyError
        waiting = _Waiting(candidates, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="ingest")
        return await waiting.answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._serve(self._next_group())
        finally:
            self._worker = None

    def _next_group(self) -> list[_Waiting]:
        group, events = [self._waiting.pop(0)], 0
        while self._waiting and (events := events + len(group[-1].candidates)) < self._max_group_events:
            group.append(self._waiting.pop(0))
        return group

    async def _serve(self, group: Sequence[_Waiting]) -> None:
        try:
            results = iter(await self._place(list(chain.from_iterable(waiting.candidates for waiting in group))))
        except Exception as error:  # whatever it is, each request of the group must hear of it
            for waiting in group:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting in group:
            mine = [next(results) for _ in waiting.candidates]
            if not waiting.answer.done():
                waiting.answer.set_result(mine)

    async def _place(self, candidates: Sequence[Candidate]) -> Sequence[Placement]:
        known = await self._index.find([candidate.id_hash for candidate in candidates])
        made = plan(candidates, known)
        positions = await self._producer.publish([_message(candidate) for candidate in made.fresh])
        places = [Place(*position) for position in positions]
        result = placements(made, places)
        conflicts = [
            (candidate, placement.place)
            for candidate, placement in zip(candidates, result, strict=True)
            if placement.status == "conflict"
        ]
        if made.fresh or conflicts:
            await self._index.record(list(zip(made.fresh, places, strict=True)), conflicts)
        return result

    async def close(self, timeout_s: float) -> None:
        """Lets what waits be written, within the limit."""
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)


def _message(candidate: Candidate) -> Message:
    return Message(candidate.topic, candidate.key, candidate.value, candidate.headers)
