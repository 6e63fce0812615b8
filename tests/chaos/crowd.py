"""The load on an event loop of its own thread: all producers, the buyers, the business date and the poison."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final

from tests.chaos import journal, load, story
from tests.chaos.journal import Journal
from tests.chaos.load import Buyers, Caller, EventProducer, RefusedError, Tally
from tests.chaos.poison import brew
from tests.chaos.shapes import PoisonWriter, Shape
from tests.chaos.story import Bank
from tierflow_shared.bus.port import BusUnavailableError

_POISON_EVERY_S: Final = 2.0
_BUYERS: Final = 8
_SALES_PER_S: Final = 2.0


class Crowd:
    """Everybody who sends. Started once, stopped once; what they could not finish is an error."""

    def __init__(
        self,
        bank: Bank,
        rate: float,
        book: Journal,
        tally: Tally,
        url: Callable[[str], str],
        shape: Shape,
        tokens: Callable[[str], str],
    ) -> None:
        self._bank, self._rate, self._book, self._tally = bank, rate, book, tally
        self._url, self._shape, self._tokens = url, shape, tokens
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True)
        self._producers: list[EventProducer] = []
        self._poisons = 0
        self._running: Future[None] | None = None

    def start(self) -> None:
        """Tells the reference data, then lets everybody begin."""
        self._thread.start()
        self._caller = self._call(self._open())
        self._call(self._tell_reference())
        self._running = asyncio.run_coroutine_threadsafe(self._everybody(), self._loop)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    async def _open(self) -> Caller:
        self._stopping = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: PoisonWriter = self._shape.writer()
        return Caller(self._url, self._tokens(""), self._tally)

    async def _tell_reference(self) -> None:
        told = story.reference(self._bank, _BUYERS)
        body = b"[" + b",".join(one.structured() for one in told) + b"]"
        headers = {"content-type": "application/cloudevents-batch+json"}
        answer = await self._caller.post("/events/v1/events", body, **headers)
        if answer.status_code != 202:
            raise RefusedError(answer.text[:300])
        self._book.events(-1, told)

    async def _everybody(self) -> None:
        numbers = range(self._bank.producers)
        self._producers = [EventProducer(self._bank, n, self._caller, self._book, self._tally) for n in numbers]
        share = self._rate / self._bank.producers
        buyers = Buyers(self._bank.seed, _BUYERS, self._caller, self._book, self._tokens)
        async with asyncio.TaskGroup() as group:
            for producer in self._producers:
                group.create_task(producer.run(share, self._stopping))
            group.create_task(buyers.run(_SALES_PER_S, self._stopping))
            group.create_task(self._drip())
            dates = load.advance_dates(self._caller, self._book, self._tally, self._bank.producers, self._stopping)
            group.create_task(dates)

    async def _drip(self) -> None:
        while not self._stopping.is_set():
            await self._poison(1)
            await asyncio.sleep(_POISON_EVERY_S)

    async def _poison(self, count: int) -> None:
        async with self._writing:
            for _ in range(count):
                one = brew(self._bank.seed, self._poisons)
                self._poisons += 1
                try:
                    await self._writer.write([one])
                except BusUnavailableError:
                    continue
                self._book.note(journal.POISON, key=one.key, poison=one.kind)

    def poison(self, count: int) -> None:
        """Writes so many poison messages."""
        self._call(self._poison(count))

    def resend(self, batches: int) -> None:
        """Makes each producer send so many old batches again."""
        for producer in self._producers:
            producer.resend_burst += batches

    @property
    def failed(self) -> BaseException | None:
        """What ended the load early, if anything did."""
        if self._running is None or not self._running.done():
            return None
        return self._running.exception()

    def finish(self, within_s: float) -> None:
        """Lets everybody finish what is begun: each request is repeated until its answer leaves no doubt.

        Raises:
            RefusedError: something was refused, or had no answer within the limit.
        """
        if self._running is None or self._stopping.is_set():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        try:
            self._running.result(timeout=within_s)
        except TimeoutError:
            self._caller.give_up = True
            self._running.result(timeout=30)
        except BaseExceptionGroup as group:
            raise RefusedError("; ".join(repr(error)[:300] for error in group.exceptions)) from group

    def close_last_day(self) -> str:
        """Closes the last day anybody told of; returns it."""
        last = max(self._tally.days.values())
        self._call(load.advance_date(self._caller, self._book, load.day_after(last)))
        return last

    def close(self) -> None:
        """Ends the loop and its thread."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _shut(self) -> None:
        self._stopping.set()
        self._caller.give_up = True
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others, timeout=10)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._writer.close()
        await self._caller.close()
