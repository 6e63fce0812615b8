"""The load: producers of events, buyers, and the one who closes business days. All repeat what was not taken."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from bench import load, stream
from bench.soak.world import World
from tierflow_shared.clock import SystemClock

BATCH: Final = 100
PRODUCERS: Final = 4
_ANSWER_LIMIT_S: Final = 30.0
_BACKLOG_S: Final = 1.0
_CLOCK: Final = SystemClock()
_RETRY_AFTER: Final = b"\r\nretry-after: "


@dataclass(frozen=True, slots=True)
class Pace:
    """What comes in: events and sale requests a second, and how many seconds a business day lasts.

    `patience_s` is the pause before something refused is sent again; None: as long as the answer's Retry-After says.
    """

    events: float
    sales: float
    day_s: float
    buyers: int = 4
    patience_s: float | None = None


@dataclass(slots=True)
class Tally:
    """What the crowd was answered. `events` and `sales` were accepted, each counted once however often it was sent."""

    events: int = 0
    sales: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    days_closed: int = 0


class Crowd:
    """Several clients on one event loop, each with a connection of its own."""

    def __init__(self, world: World, pace: Pace, days: int) -> None:
        self._world, self._pace = world, pace
        self._day = _CLOCK.now().date() - timedelta(days=days + 2)
        self._stopping = asyncio.Event()
        self.tally = Tally()

    async def run(self) -> None:
        """Works until `stop`; what is under way is then still brought to its end."""
        producers = [self._produce(number) for number in range(PRODUCERS)]
        buyers = [self._buy(number) for number in range(self._pace.buyers)]
        async with asyncio.TaskGroup() as group:
            for work in (*producers, *buyers, self._close_days()):
                group.create_task(work)

    def stop(self) -> None:
        """Nothing new begins."""
        self._stopping.set()

    async def _produce(self, number: int) -> None:
        """A quarter of the customers, in order: the next batch goes when the one before was accepted."""
        client = Client(self._world, "events", self._pace.patience_s, self.tally)
        bodies = self._batches(number)
        async for _ in self._turns(self._pace.events / BATCH / PRODUCERS):
            payload = load.request(
                "/events/v1/events", next(bodies), token=self._world.token, content_type=stream.BATCH_TYPE
            )
            await client.send_until(202, payload)
            self.tally.events += BATCH
        client.close()

    def _batches(self, number: int) -> Iterator[bytes]:
        rng, count = random.Random(number), 0
        while True:
            batch = []
            for _ in range(BATCH):
                customer = rng.randrange(self._world.customers // PRODUCERS) * PRODUCERS + number
                minor = int(10 ** (rng.uniform(7, 8.5) if rng.random() < 0.005 else rng.uniform(3, 5.5)))
                direction = "credit" if rng.random() < 0.5 else "debit"
                batch.append(stream.transaction(f"t-{number}-{count}", customer, self._day, minor, direction))
                count += 1
            yield json.dumps(batch, separators=(",", ":")).encode()

    async def _buy(self, number: int) -> None:
        client = Client(self._world, "suitability", self._pace.patience_s, self.tally)
        rng, count = random.Random(-1 - number), 0
        async for _ in self._turns(self._pace.sales / self._pace.buyers):
            key = f"Idempotency-Key: k-{number}-{count}\r\n"
            body = stream.sale(rng.randrange(self._world.customers))
            payload = load.request("/suitability/v1/sales", body, token=self._world.token, extra=key)
            answer = await client.send_until(201, payload)
            self.tally.sales.add(json.loads(answer)["sale_id"])
            count += 1
        client.close()

    async def _close_days(self) -> None:
        client = Client(self._world, "events", None, self.tally)
        async for _ in self._turns(1 / self._pace.day_s):
            following = self._day + timedelta(days=1)
            if following >= _CLOCK.now().date():
                continue
            self._day = following
            await client.send_until(200, _date_request(following, self._world.token))
            self.tally.days_closed += 1
        client.close()

    async def _turns(self, per_second: float) -> AsyncIterator[None]:
        """One turn after another at a steady pace; more than a second's worth is never made up for."""
        if per_second <= 0:
            return
        due = time.monotonic() + random.random() / per_second
        while not self._stopping.is_set():
            await self._pause(due - time.monotonic())
            if self._stopping.is_set():
                return
            yield
            due = max(due + 1 / per_second, time.monotonic() - _BACKLOG_S)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()


def _date_request(day: date, token: str) -> bytes:
    body = json.dumps({"business_date": day.isoformat()}).encode()
    return load.request("/events/v1/business-date", body, token=token)


class Client:
    """One keep-alive connection that sends a request again until it is taken, and counts every answer."""

    def __init__(self, world: World, service: str, patience_s: float | None, tally: Tally) -> None:
        self._port, self._service, self._patience_s, self._tally = world.port(service), service, patience_s, tally
        self._connection: load.Connection | None = None

    async def send_until(self, wanted: int, payload: bytes) -> bytes:
        """The body of the answer with this status; 429, 503 and a lost connection mean: once more.

        Raises:
            RuntimeError: another answer came.
        """
        while True:
            status, body = await self._send(payload)
            self._tally.answers[f"{self._service} {status or 'no answer'}"] += 1
            if status == wanted:
                return body
            if status not in (0, 429, 503):
                raise RuntimeError(f"{self._service} refused: {status} {body[:300]!r}")
            await asyncio.sleep(self._wait_s(status))

    async def _send(self, payload: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                if self._connection is None:
                    self._connection = await load.Connection.open("127.0.0.1", self._port)
                return await self._connection.send(payload)
        except (OSError, EOFError, TimeoutError):
            self.close()
            return 0, b""

    def _wait_s(self, status: int) -> float:
        head = self._connection.head.lower() if status and self._connection else b""
        _, found, rest = head.partition(_RETRY_AFTER)
        if status and not found:
            self._tally.without_retry_after += 1
        if self._patience_s is not None:
            return self._patience_s
        return float(rest.partition(b"\r\n")[0]) if found else 0.5

    def close(self) -> None:
        """Ends the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
