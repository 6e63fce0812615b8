"""The producers: they send over HTTP, repeat on every doubt, and write down what was acknowledged."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

import httpx
import msgspec

from tests.chaos import journal, story
from tests.chaos.journal import Journal
from tests.chaos.story import Bank, Said

BATCH: Final = 500
_SIZES: Final = (1, 20, 100, BATCH, BATCH, BATCH, BATCH)
_DUPLICATES: Final = 0.03
_RESENT: Final = 0.03
_KEPT_BATCHES: Final = 200
_TIMEOUT_S: Final = 8.0
_TURN_S: Final = 0.02
_DOUBTFUL: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_BATCHED: Final = {"content-type": "application/cloudevents-batch+json"}
_STRUCTURED: Final = {"content-type": "application/cloudevents+json"}


class RefusedError(Exception):
    """A right event was refused: the campaign has found something."""


@dataclass(slots=True)
class Tally:
    """What the producers met."""

    requests: int = 0
    doubts: int = 0
    duplicated: int = 0
    resent: int = 0
    refusals: list[str] = field(default_factory=list)
    last_ack_s: float = 0.0
    days: dict[int, str] = field(default_factory=dict)


class Caller:
    """HTTP with patience: a request is repeated until its answer leaves no doubt."""

    def __init__(self, url: Callable[[str], str], token: str, tally: Tally) -> None:
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, limits=limits)
        self._url, self._tally = url, tally
        self.token = token
        self.give_up = False

    async def post(self, path: str, body: bytes, *, token: str = "", **headers: str) -> httpx.Response:
        """Sends until there is an answer that is no doubt (2xx, or a refusal).

        Raises:
            RefusedError: the campaign ends and there was none.
        """
        service = path.split("/")[1]
        sent = {"authorization": f"Bearer {token or self.token}", **headers}
        pause_s = 0.05
        while True:
            self._tally.requests += 1
            try:
                answer = await self._client.post(self._url(service) + path, content=body, headers=sent)
                if answer.status_code not in _DOUBTFUL:
                    return answer
            except httpx.TransportError:
                pass
            self._tally.doubts += 1
            if self.give_up:
                raise RefusedError(f"no answer to {path} until the end")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.5)

    async def close(self) -> None:
        await self._client.aclose()


class EventProducer:
    """One producer: its customers' events in their order, one request after the other."""

    def __init__(self, bank: Bank, number: int, caller: Caller, book: Journal, tally: Tally) -> None:
        self._story: Iterator[Said] = story.Producer(bank, number).story()
        self._number, self._caller, self._book, self._tally = number, caller, book, tally
        self._random = Random(f"habits/{bank.seed}/{number}")
        self._kept: deque[list[Said]] = deque(maxlen=_KEPT_BATCHES)
        self._intro = len(bank.customers_of(number)) * 4
        self.sent = 0
        self.resend_burst = 0

    async def run(self, rate: float, stopping: asyncio.Event) -> None:
        """Sends `rate` events a second, and what was held up as fast as it goes, until it is told to stop."""
        started = time.monotonic()
        while not stopping.is_set():
            size = BATCH if self.sent < self._intro else self._random.choice(_SIZES)
            while not stopping.is_set() and self.sent + size > self._intro + rate * (time.monotonic() - started):
                if self.sent < self._intro:
                    break
                await asyncio.sleep(_TURN_S)
            await self._send(list(islice(self._story, size)))
            if self.resend_burst or self._random.random() < _RESENT:
                await self._resend()

    async def _send(self, said: Sequence[Said]) -> None:
        if self._random.random() < _DUPLICATES:
            self._tally.duplicated += len(said)
            first, second = await asyncio.gather(self._deliver(said), self._deliver(said))
            del first, second
        else:
            await self._deliver(said)
        self._book.events(self._number, said)
        self._tally.last_ack_s = time.monotonic()
        self._tally.days[self._number] = said[-1].time[:10]
        self.sent += len(said)
        self._kept.append(list(said))

    async def _deliver(self, said: Sequence[Said]) -> None:
        if len(said) == 1:
            body, headers = said[0].structured(), _STRUCTURED
        else:
            body, headers = b"[" + b",".join(one.structured() for one in said) + b"]", _BATCHED
        answer = await self._caller.post("/events/v1/events", body, **headers)
        if answer.status_code != 202:
            self._tally.refusals.append(f"{answer.status_code}: {answer.text[:300]}")
            raise RefusedError(answer.text[:300])

    async def _resend(self) -> None:
        """Old ids again, with the same content: what a core banking system does after a restore."""
        self.resend_burst = max(0, self.resend_burst - 1)
        if not self._kept:
            return
        old = self._kept[self._random.randrange(max(1, len(self._kept) // 2))]
        self._tally.resent += len(old)
        await self._deliver(old)


class Buyers:
    """Customers who answer a questionnaire, ask for sales over HTTP and confirm those that are approved."""

    def __init__(self, seed: int, count: int, caller: Caller, book: Journal, tokens: Callable[[str], str]) -> None:
        self._names = story.buyer_names(count)
        self._caller, self._book, self._tokens = caller, book, tokens
        self._random = Random(f"buyers/{seed}")
        self.states: dict[str, int] = {}

    async def run(self, rate: float, stopping: asyncio.Event) -> None:
        for name in self._names:
            body = msgspec.json.encode(_ANSWERS)
            await self._json(f"/suitability/v1/customers/{name}/assessments", body, token=self._tokens(name))
        number, started = 0, time.monotonic()
        while not stopping.is_set():
            if number > rate * (time.monotonic() - started):
                await asyncio.sleep(_TURN_S)
                continue
            number += 1
            await self._buy(self._random.choice(self._names), f"key-{number:06d}")

    async def _json(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        return await self._caller.post(path, body, **{"content-type": "application/json"}, **headers)

    async def _buy(self, name: str, key: str) -> None:
        body = msgspec.json.encode(_order(name, self._random.randrange(1, 40) * 1000))
        ask = "/suitability/v1/sales"
        answers = [await self._json(ask, body, **{"idempotency-key": key})]
        if self._random.random() < 0.1:
            answers.append(await self._json(ask, body, **{"idempotency-key": key}))
        sales = [_sale(answer) for answer in answers]
        assert len({sale["sale_id"] for sale in sales}) == 1, "one key, one sale"
        sale = sales[0]
        decision = sale.get("decision_id") or ""
        self._book.note(journal.SALE, sale_id=sale["sale_id"], decision_id=decision)
        self.states[sale["state"]] = self.states.get(sale["state"], 0) + 1
        if sale["state"] != "approved":
            return
        confirm = msgspec.json.encode({"decision_id": decision})
        answer = await self._json(f"/suitability/v1/sales/{sale['sale_id']}/confirm", confirm)
        if answer.status_code == 200:
            self._book.note(journal.CONFIRMED, sale_id=sale["sale_id"], decision_id=decision)


def _sale(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 201:
        raise RefusedError(f"{answer.status_code}: {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


async def advance_dates(caller: Caller, book: Journal, tally: Tally, producers: int, stopping: asyncio.Event) -> None:
    """Closes business days behind the slowest producer, as operations do."""
    told = ""
    while not stopping.is_set():
        await asyncio.sleep(0.5)
        slowest = min(tally.days.values(), default="") if len(tally.days) == producers else ""
        if slowest > told:
            await advance_date(caller, book, slowest)
            told = slowest


async def advance_date(caller: Caller, book: Journal, day: str) -> None:
    """One business date, until it is taken."""
    body = msgspec.json.encode({"business_date": day})
    answer = await caller.post("/events/v1/business-date", body, **{"content-type": "application/json"})
    if answer.status_code != 200:
        raise RefusedError(f"business date {day}: {answer.status_code} {answer.text[:300]}")
    book.note(journal.DATE, date=day)


def day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _order(name: str, amount: int) -> dict[str, Any]:
    papers = [
        {"kind": kind, "reference": f"doc-{kind}", "recorded_at": "2025-01-02T03:00:00+00:00"}
        for kind in ("disclosure", "match-opinion")
    ]
    return {
        "customer_id": name,
        "product_id": "p-fund",
        "amount": {"value": f"{amount}.00", "currency": story.CURRENCY},
        "initiated_by": "customer",
        "channel": "mobile",
        "evidence": papers,
    }


_ANSWERS: Final = {
    "questionnaire": "cn-retail",
    "version": "2026.1",
    "answers": {
        "age": "31-50", "income": "200k-500k", "assets": "500k-3m", "share": "10-25", "experience": "2-5",
        "products": "funds", "purpose": "growth", "horizon": "3-5", "loss": "10-30", "reaction": "wait",
    },
}  # fmt: skip
