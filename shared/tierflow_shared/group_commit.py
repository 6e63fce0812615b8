"""Group commit: requests that arrive while a transaction runs share the next one."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
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
    waits `linger_s` seconds for more of them, because a larger group costs little more than a small one.
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
        self._queue: SimpleQueue[tuple[Item, asyncio.Future[Result]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._open = True
        self._thread.start()

    async def submit(self, item: Item) -> Result:
        """Waits until the group with this item is durable and returns the item's result.

        Raises:
            ClosedError: `close` was called before.
        """
        if not self._open:
            raise ClosedError("closed")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.put((item, future))
        return await future

    @property
    def waiting(self) -> int:
        """How many items wait for the next group."""
        return self._queue.qsize()

    def _run(self) -> None:
        stopping, last_size = False, 1
        while not stopping:
            group: list[tuple[Item, asyncio.Future[Result]]] = []
            until = time.monotonic() + self._linger_s if last_size > 1 else 0.0
            entry = self._queue.get()
            while entry is not None:
                group.append(entry)
                if len(group) == self._max_group:
                    break
                try:
                    entry = self._queue.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    break
            stopping, last_size = entry is None, len(group)
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
        self._open = False
        self._queue.put(None)
        self._thread.join(timeout_s)


def _answer(answers: Sequence[tuple["asyncio.Future[Result]", Result | None, BaseException | None]]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]
