"""Calls of the Kafka client that end in another way than by an answer."""

import asyncio

import pytest

from tierflow_shared.bus.kafka.faults import late, patiently, within
from tierflow_shared.bus.port import BusUnavailableError

pytestmark = pytest.mark.anyio


async def given_up() -> None:
    """What the client does when it is closed under a call: it cancels what the call waits for."""
    waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(waited_for.cancel)
    await waited_for


async def test_a_call_that_the_client_gives_up_is_an_outage_and_not_our_own_end() -> None:
    with pytest.raises(BusUnavailableError):
        await patiently(given_up(), 5.0)
    await within(5.0, given_up())
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_our_own_end_still_ends_the_wait() -> None:
    """The control: who is cancelled meanwhile is told so."""
    answered = asyncio.Event()
    waiting = asyncio.create_task(patiently(answered.wait(), 5.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    answered.set()
    async with asyncio.timeout(5):
        while late:  # noqa: ASYNC110 - calls that end on their own
            await asyncio.sleep(0)
