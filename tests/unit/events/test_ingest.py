"""The ingest queue: groups share a write, a failure reaches everybody in the group, and the queue is bounded."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from tests.unit.events.test_placing import candidate
from tierflow_events.domain.placing import Candidate, Known, Place
from tierflow_events.handlers.ingest import Ingest, TooBusyError
from tierflow_shared.bus.port import BusUnavailableError, Message, MessageTooLargeError, Position

pytestmark = pytest.mark.anyio


class MemoryIndex:
    """An index in a dictionary."""

    def __init__(self) -> None:
        self.known: dict[bytes, Known] = {}
        self.conflicts: list[str] = []

    async def find(self, id_hashes: Sequence[bytes]) -> Mapping[bytes, Known]:
        return {id_hash: self.known[id_hash] for id_hash in id_hashes if id_hash in self.known}

    async def record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        self.known.update({one.id_hash: Known(one.content_hash, place) for one, place in accepted})
        self.conflicts += [one.id for one, _ in conflicts]


class GatedLog:
    """A log that publishes when it is told to."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.open = asyncio.Event()
        self.is_down = False

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        await self.open.wait()
        if self.is_down:
            raise BusUnavailableError("down")
        start = sum(self.calls)
        self.calls.append(len(messages))
        return [Position(message.topic, 0, start + n) for n, message in enumerate(messages)]

    async def close(self, timeout_s: float) -> None:
        """Nothing to close."""


async def test_requests_that_wait_share_the_next_publication() -> None:
    index, log = MemoryIndex(), GatedLog()
    ingest = Ingest(index, log, max_waiting=10, max_group_events=100)
    first = asyncio.create_task(ingest.take([candidate(0, 0)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(ingest.take([candidate(n, 0), candidate(n, 1)])) for n in range(1, 4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    log.open.set()
    statuses = [[p.status for p in result] for result in await asyncio.gather(first, *rest)]
    assert log.calls == [1, 3]
    assert statuses == [["accepted"], *[["accepted", "conflict"]] * 3]
    assert index.conflicts == ["E-1", "E-2", "E-3"]


async def test_when_the_log_is_down_everybody_hears_of_it_and_nothing_is_remembered() -> None:
    index, log = MemoryIndex(), GatedLog()
    log.is_down = True
    log.open.set()
    ingest = Ingest(index, log, max_waiting=10, max_group_events=100)
    results = await asyncio.gather(*(ingest.take([candidate(n, 0)]) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [BusUnavailableError] * 3
    assert index.known == {}
    log.is_down = False
    assert [p.status for p in await ingest.take([candidate(0, 0)])] == ["accepted"]


async def test_the_queue_is_bounded() -> None:
    log = GatedLog()
    ingest = Ingest(MemoryIndex(), log, max_waiting=2, max_group_events=1)
    waiting = []
    for n in range(3):  # one under way, two in the queue
        waiting.append(asyncio.create_task(ingest.take([candidate(n, 0)])))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(TooBusyError):
        await ingest.take([candidate(9, 0)])
    log.open.set()
    await asyncio.gather(*waiting)
    await ingest.close(5)
    assert log.calls == [1, 1, 1]


async def test_a_request_that_went_away_does_not_stop_the_others() -> None:
    index, log = MemoryIndex(), GatedLog()
    ingest = Ingest(index, log, max_waiting=10, max_group_events=100)
    gone = asyncio.create_task(ingest.take([candidate(0, 0)]))
    await asyncio.sleep(0)
    stays = asyncio.create_task(ingest.take([candidate(1, 0)]))
    await asyncio.sleep(0)
    gone.cancel()
    log.open.set()
    assert [p.status for p in await stays] == ["accepted"]
    assert set(index.known) == {b"E-0", b"E-1"}


class SlowIndex(MemoryIndex):
    """Remembers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()

    async def record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        await self.open.wait()
        await super().record(accepted, conflicts)


class Forgetful(dict[object, frozenset[bytes]]):
    """Says of no group what it is about: the protection is off."""

    def values(self) -> object:  # type: ignore[override]
        return ()


@pytest.mark.parametrize("protected", [True, False])
async def test_the_second_of_two_equal_events_waits_for_the_first(protected: bool) -> None:
    """Groups overlap, but not those that name the same event: it is not known before it is indexed."""
    index, log = SlowIndex(), GatedLog()
    log.open.set()
    ingest = Ingest(index, log, max_waiting=10, max_group_events=100, max_groups=3)
    if not protected:
        ingest._under_way = Forgetful()  # type: ignore[assignment]
    first = asyncio.create_task(ingest.take([candidate(0, 0)]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert log.calls == [1], "published, not yet indexed"
    again = asyncio.create_task(ingest.take([candidate(0, 0)]))
    other = asyncio.create_task(ingest.take([candidate(1, 0)]))
    for _ in range(20):  # turns of the loop in which an unprotected group would look and publish
        await asyncio.sleep(0)
    index.open.set()
    statuses = [placed[0].status for placed in await asyncio.gather(first, again, other)]
    assert statuses == (["accepted", "duplicate", "accepted"] if protected else ["accepted"] * 3)


class NarrowLog(GatedLog):
    """Takes no call that holds a message of one customer."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        if any(message.key == self.key for message in messages):
            await self.open.wait()
            raise MessageTooLargeError("too large")
        return await super().publish(messages)


async def test_a_message_that_is_too_large_spoils_its_own_request_alone() -> None:
    large = candidate(1, 0)._replace(key="large")
    log = NarrowLog("large")
    ingest = Ingest(MemoryIndex(), log, max_waiting=10, max_group_events=100, max_groups=1)
    first = asyncio.create_task(ingest.take([candidate(0, 0)]))
    for _ in range(20):
        await asyncio.sleep(0)
    rest = [asyncio.create_task(ingest.take([one])) for one in (candidate(2, 0), large, candidate(3, 0))]
    await asyncio.sleep(0)
    log.open.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [type(result) for result in results] == [list, list, MessageTooLargeError, list]
    assert log.calls == [1, 1, 1]
