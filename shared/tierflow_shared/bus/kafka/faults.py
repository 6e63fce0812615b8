"""Turns the client library's errors, and silence, into the port's one error."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from aiokafka.errors import KafkaError

from tierflow_shared.bus.port import BusUnavailableError

Answer = TypeVar("Answer")
LOST: Final = (KafkaError, OSError)


@asynccontextmanager
async def bounded(what: str, limit_s: float) -> AsyncIterator[None]:
    """The block ends within the limit.

    Raises:
        BusUnavailableError: it did not, or the cluster answered with an error.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as error:
        raise BusUnavailableError(f"{what}: no answer from Kafka within {limit_s:g} s") from error
    except LOST as error:
        raise BusUnavailableError(f"{what}: {error!r}") from error


async def retried(what: str, limit_s: float, pause_s: float, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Asks again after errors that may pass, until the limit.

    Raises:
        BusUnavailableError: no answer within the limit, or an error that does not pass.
    """
    deadline = time.monotonic() + limit_s

    async def ask_again() -> Answer:
        while True:
            try:
                return await ask()
            except KafkaError as error:
                if not error.retriable or time.monotonic() + pause_s > deadline:
                    raise
                await asyncio.sleep(pause_s)

    async with bounded(what, limit_s + pause_s):
        return await patiently(ask_again(), limit_s)


late: Final[set[asyncio.Task[Any]]] = set()


async def patiently(work: Coroutine[Any, Any, Answer], limit_s: float) -> Answer:
    """Waits for a call of the library, but never cancels it: it would leave a socket open if it is just connecting.

    A call that is late ends by the request timeout, on its own; until then it is in `late`.

    Raises:
        TimeoutError: it did not end within the limit.
        BusUnavailableError: the library cancelled it. That must not look as if we were cancelled.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=limit_s)
    finally:
        if not task.done():
            late.add(task)
            task.add_done_callback(_over)
    if not task.done():
        raise TimeoutError
    if task.cancelled():
        raise BusUnavailableError("the client gave the call up")
    return task.result()


def _over(task: asyncio.Task[Any]) -> None:
    late.discard(task)
    _ = task.cancelled() or task.exception()


async def within(limit_s: float, work: Coroutine[Any, Any, None]) -> None:
    """Waits for work whose result and errors nobody needs any more."""
    with suppress(Exception):
        await patiently(work, limit_s)
