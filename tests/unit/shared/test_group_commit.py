"""Requests that arrive while a commit runs share the next one, and each gets its own answer."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from tierflow_shared.group_commit import ClosedError, GroupCommitter

pytestmark = pytest.mark.anyio


async def _started(task: "asyncio.Task[int]") -> None:
    """One turn of the loop: a task that was created before has run up to its first wait."""
    assert not task.done()
    await asyncio.sleep(0)


async def test_waiting_items_are_committed_together_and_in_order() -> None:
    """While the first group is held up, all later items gather in one group."""
    groups: list[list[int]] = []
    first_runs, go_on = threading.Event(), threading.Event()

    def commit(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        first_runs.set()
        assert go_on.wait(5)
        return [item * 10 for item in items]

    committer = GroupCommitter(commit, name="test", max_group=100)
    tasks = [asyncio.create_task(committer.submit(0))]
    await asyncio.to_thread(first_runs.wait, 5)
    tasks += [asyncio.create_task(committer.submit(n)) for n in range(1, 6)]
    await asyncio.gather(*(_started(task) for task in tasks))
    assert committer.waiting == 5
    go_on.set()
    assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40, 50]
    assert groups == [[0], [1, 2, 3, 4, 5]]
    committer.close(5.0)


async def test_an_error_reaches_every_waiter_of_its_group() -> None:
    """Nobody waits for ever, and the next group works again."""
    fail = True

    def commit(items: Sequence[int]) -> list[int]:
        if fail:
            raise OSError("disk full")
        return list(items)

    committer = GroupCommitter(commit, name="test", max_group=10)
    with pytest.raises(OSError, match="disk full"):
        await committer.submit(1)
    fail = False
    assert await committer.submit(2) == 2
    committer.close(5.0)


async def test_after_closing_nothing_is_taken() -> None:
    """A closed committer says so."""
    committer: GroupCommitter[int, int] = GroupCommitter(list, name="test", max_group=10)
    committer.close(5.0)
    with pytest.raises(ClosedError):
        await committer.submit(1)


async def test_a_group_has_a_limit() -> None:
    """No group is larger than `max_group`."""
    sizes: list[int] = []

    def commit(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        return list(items)

    committer = GroupCommitter(commit, name="test", max_group=3)
    assert await asyncio.gather(*(committer.submit(n) for n in range(20))) == list(range(20))
    assert max(sizes) <= 3
    assert sum(sizes) == 20
    committer.close(5.0)
