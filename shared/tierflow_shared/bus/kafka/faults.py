"""Turns the client library's errors, and silence, into the port's one error."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

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
    async with bounded(what, limit_s):
        while True:
            try:
                return await ask()
            except KafkaError as error:
                if not error.retriable or time.monotonic() + pause_s > deadline:
                    raise
                await asyncio.sleep(pause_s)
