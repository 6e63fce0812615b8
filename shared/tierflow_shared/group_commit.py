"""Group commit: requests that arrive while a transaction runs share the next one."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ClosedError(RuntimeError):
    """The committer takes no more work."""


class GroupCommitter(Generic[Item, Result]):
    """One thread that takes all waiting items at once, commits them together, and answers each waiter.

    `commit(items)` returns one result per item, in order, after everything is durable. If it raises, every item
    of that group gets the exception. A lone item is committed at once; while items come in groups, the thread
    waits up to `linger_s` seconds until as many have come as the group before had, because a larger group costs
    little more than a small one. Waking a thread costs as much as a small commit, so the items of one turn of the
    event loop are handed over together, and a thread that is busy anyway is not woken.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        name: str,
        max_group: int,
        linger_s: float = 0.002,
    ) -> None:
        assert max_group >= 1
        self._commit, self._max_group, self._linger_s = commit, max_group, linger_s
        self._lock = threading.Lock()
        self._items: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._ring_at = 1  # the thread sleeps until so many items wait; 0 while it is awake
        self._called = False
        self._open = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, item: Item) -> Result:
        """Waits until the group with this item is durable and returns the item's result.

        Raises:
            ClosedError: `close` was called before.
        """
        if not self._open:
            raise ClosedError("closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._items.append((item, future))
        if not self._called:
            self._called = True
            loop.call_soon(self._call)
        return await future

    @property
    def waiting(self) -> int:
        """How many items wait for the next group."""
        return len(self._items)

    def _call(self) -> None:
        self._called = False
        with self._lock:
            ring = 0 < self._ring_at <= len(self._items)
            if ring:
                self._ring_at = 0
        if ring:
            self._bell.put(None)

    def _sleep(self, until: int, timeout_s: float | None) -> None:
        """Sleeps until so many items wait, the time is over, or the committer closes."""
        with self._lock:
            if len(self._items) >= until or not self._open:
                return
            self._ring_at = until
        with suppress(Empty):
            self._bell.get(timeout=timeout_s)
            return
        with self._lock:
            rung, self._ring_at = self._ring_at == 0, 0
        if rung:
            self._bell.get()

    def _run(self) -> None:
        last_size = 1
        while self._open or self._items:
            if last_size > 1:
                self._sleep(min(last_size, self._max_group), self._linger_s)
            if not self._items:
                self._sleep(1, None)
            group = [self._items.popleft() for _ in range(min(len(self._items), self._max_group))]
            last_size = len(group)
            if group:
                self._settle(group)

    def _settle(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = self._commit([item for item, _ in group])
            assert len(results) == len(group), "one result per item"
            answers: list[tuple[asyncio.Future[Result], Result | None, BaseException | None]] = [
                (future, result, None) for (_, future), result in zip(group, results, strict=True)
            ]
        except Exception as error:
            answers = [(future, None, error) for _, future in group]
        by_loop: dict[
            asyncio.AbstractEventLoop,
            list[tuple[asyncio.Future[Result], Result | None, BaseException | None]],
        ]
        by_loop = {}
        for answer in answers:
            by_loop.setdefault(answer[0].get_loop(), []).append(answer)
        for loop, for_loop in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_answer, for_loop)

    def close(self, timeout_s: float) -> None:
        """Commits what is queued and ends the thread, within the limit."""
        with self._lock:
            self._open = False
            asleep, self._ring_at = self._ring_at > 0, 0
        if asleep:
            self._bell.put(None)
        self._thread.join(timeout_s)


def _answer(answers: Sequence[tuple["asyncio.Future[Result]", Result | None, BaseException | None]]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]
