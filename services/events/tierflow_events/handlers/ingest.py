"""Takes events: not twice, not contradicting themselves, and only once the log has them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from tierflow_events.domain.placing import Candidate, Place, Placement, placements, plan
from tierflow_events.ports import EventIndex
from tierflow_shared.bus.port import Message, MessageTooLargeError, Producer


class TooBusyError(Exception):
    """More requests wait than the limit allows; nothing of this one was taken."""


class _Waiting(NamedTuple):
    candidates: Sequence[Candidate]
    answer: "asyncio.Future[Sequence[Placement]]"


class Ingest:
    """Requests that arrive while others are being written share the next look-up, publication and commit.

    A few groups are under way at once, so that one is published while the one before is indexed. While one is being
    published the next could only wait, so it is not formed before: whoever comes meanwhile joins it. A group that
    names an event of a group under way waits for it: the second of two equal events must find the first.
    """

    def __init__(
        self,
        index: EventIndex,
        producer: Producer,
        *,
        max_waiting: int,
        max_group_events: int,
        max_groups: int = 2,
    ) -> None:
        self._index, self._producer = index, producer
        self._max_waiting, self._max_group_events, self._max_groups = max_waiting, max_group_events, max_groups
        self._waiting: list[_Waiting] = []
        self._under_way: dict[asyncio.Task[None], frozenset[bytes]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._called = self._is_placing = False
        self._turn = asyncio.Lock()

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
        loop = self._loop  # asking for it costs a system call, and this is done for each request
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        waiting = _Waiting(candidates, loop.create_future())
        self._waiting.append(waiting)
        self._soon(loop)
        return await waiting.answer

    def _soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts a group once everybody who is ready in this turn of the loop has joined."""
        if not self._called:
            self._called = True
            loop.call_soon(self._start_group, loop)

    def _start_group(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called = False
        if not self._waiting or self._is_placing or len(self._under_way) >= self._max_groups:
            return  # the next request, or the end of a group or of its publication, calls again
        size = self._group_size()
        group = self._waiting[:size]
        ids = frozenset([candidate.id_hash for waiting in group for candidate in waiting.candidates])
        if any(not ids.isdisjoint(others) for others in self._under_way.values()):
            return
        del self._waiting[:size]
        self._is_placing = True
        task = loop.create_task(self._serve(group), name="ingest-group")
        self._under_way[task] = ids
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        self._soon(task.get_loop())

    def _group_size(self) -> int:
        size = events = 0
        for waiting in self._waiting:
            events += len(waiting.candidates)
            if size and events > self._max_group_events:
                break
            size += 1
        return size

    async def _serve(self, group: Sequence[_Waiting]) -> None:
        try:
            results = iter(await self._place(list(chain.from_iterable(waiting.candidates for waiting in group))))
        except MessageTooLargeError as error:
            if len(group) == 1:
                if not group[0].answer.done():
                    group[0].answer.set_exception(error)
                return
            for waiting in group:  # nothing was sent: each request on its own, so that one cannot spoil the others
                await self._serve([waiting])
            return
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
        try:
            async with self._turn:  # groups reach the log in the order in which they came
                known = await self._index.find([candidate.id_hash for candidate in candidates])
                made = plan(candidates, known)
                positions = await self._producer.publish([_message(candidate) for candidate in made.fresh])
        finally:
            self._is_placing = False
            if self._loop is not None and self._waiting:
                self._soon(self._loop)
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
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._waiting or self._under_way:
                    await asyncio.wait(self._under_way) if self._under_way else await asyncio.sleep(0)


def _message(candidate: Candidate) -> Message:
    return Message(candidate.topic, candidate.key, candidate.value, candidate.headers)
