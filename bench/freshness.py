"""From 202 to a readable tier: how long it takes in the production shape while events come in at a steady rate."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import httpx

from bench import load, server, stream, waiting
from bench.result import Result
from tierflow_stack.settings import StackSettings
from tierflow_stack.stack import Stack

RATES = (2_000, 5_000, 10_000)
TURN_RATE = 2_000
NEXT_DAY = stream.FIRST_DAY + timedelta(days=1)
SECONDS = 20
CUSTOMERS = 20_000
BATCH = 100
PROBES_A_SECOND = 10
LOOK_EVERY_S = 0.01
LOOK_LIMIT_S = 60.0
SETTLE_LIMIT_S = 300.0
GOAL_P99_S = 0.250
EDGES_MS = (25, 50, 100, 150, 200, 250, 350, 500, 1_000, 2_000, 5_000)


@dataclass(slots=True)
class Series:
    """What one rate came to: seconds from the answer 202 to the first readable tier, and the events that were taken."""

    wanted_per_second: int
    meanwhile: str = "nothing else"
    sent: int = 0
    seconds: float = 0.0
    freshness_s: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.freshness_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def summary(self) -> dict[str, object]:
        """For the result: rates, quantiles and the histogram."""
        bins = {f"<= {edge} ms": sum(one * 1000 <= edge for one in self.freshness_s) for edge in EDGES_MS}
        return {
            "wanted_events_per_second": self.wanted_per_second,
            "meanwhile": self.meanwhile,
            "sent_events_per_second": round(self.sent / self.seconds),
            "probes": len(self.freshness_s),
            "p50_ms": round(self.quantile(0.5) * 1000, 1),
            "p90_ms": round(self.quantile(0.9) * 1000, 1),
            "p99_ms": round(self.quantile(0.99) * 1000, 1),
            "max_ms": round(max(self.freshness_s) * 1000, 1),
            "histogram_cumulative": bins,
        }


def measure() -> Result:
    """All on one stack of its own. The goal counts at the highest steady rate that is really held.

    Beside the steady rates: the first booking of all, which opens the books of every customer, and the first booking of
    the next day, which closes the day before for everybody.
    """
    with tempfile.TemporaryDirectory(prefix="tierflow-bench-") as name:
        Path(name).chmod(0o755)
        stack = Stack(StackSettings.read(Path(name) / "stack", {}))
        try:
            stack.up()
            series = _measured(stack)
        finally:
            stack.down()
    steady = series[1:-1]
    held = [one for one in steady if one.sent / one.seconds >= 0.95 * one.wanted_per_second]
    decisive = (held or steady[:1])[-1]
    p99 = decisive.quantile(0.99)
    return Result(
        name="freshness",
        figure=round(p99 * 1000),
        limit_or_peer=GOAL_P99_S * 1000,
        ratio=round(p99 / GOAL_P99_S, 3),
        goal=f"p99 <= {GOAL_P99_S * 1000:.0f} ms at the highest rate that is held ({decisive.wanted_per_second}/s)",
        reached=bool(held) and p99 <= GOAL_P99_S,
        unit="ms from 202 to a readable tier, p99",
        against="the goal",
        detail={"series": [one.summary() for one in series], "batch": BATCH, "look_every_ms": LOOK_EVERY_S * 1000},
    )


def _measured(stack: Stack) -> list[Series]:
    urls, token = server.addresses(stack), server.stack_token(stack)
    port = int(urls["events"].rsplit(":", 1)[1])
    book = list(stream.bodies(stream.book(CUSTOMERS), 500))
    requests = [load.request("/events/v1/events", b, token=token, content_type=stream.BATCH_TYPE) for b in book]
    load.accepted(port, requests, 4, allowed={202})
    _settle(stack)
    numbers, seeds = count(), count()
    today, tomorrow = stream.FIRST_DAY, NEXT_DAY
    plan = [(Series(TURN_RATE, "the first day opens"), today)]
    plan += [(Series(rate), today) for rate in RATES]
    plan += [(Series(TURN_RATE, "a day closes"), tomorrow)]
    for series, day in plan:
        asyncio.run(_run(series, Load(port, token, day, numbers, seeds), urls["scoring"]))
        _settle(stack)
    return [series for series, _ in plan]


def _settle(stack: Stack) -> None:
    """Returns when every service has taken what is on the log.

    Raises:
        TimeoutError: one has not within the limit; it is named with its lag.
    """

    def behind() -> list[str]:
        return [f"{row.name} ({row.lag:,} messages)" for row in stack.status() if row.lag]

    waiting.until(behind, SETTLE_LIMIT_S)


@dataclass(frozen=True, slots=True)
class Load:
    """Where events go, of which business day they are, and what makes their ids and amounts new."""

    port: int
    token: str
    day: date
    numbers: Iterator[int]
    seeds: Iterator[int]


async def _run(series: Series, of: Load, scoring: str) -> None:
    headers = {"Authorization": f"Bearer {of.token}"}
    async with httpx.AsyncClient(base_url=scoring, headers=headers, trust_env=False, timeout=30) as reader:
        started = time.perf_counter()
        senders = [_send(series, series.wanted_per_second / 4, of, started) for _ in range(4)]
        await asyncio.gather(*senders, _probe(series, of, reader, started))


async def _send(series: Series, rate: float, of: Load, started: float) -> None:
    """One connection that sends its share at a steady pace and never hurries to make up for more than a second."""
    seed = next(of.seeds)
    events = stream.transactions(int(rate * SECONDS * 1.2) + BATCH, CUSTOMERS, 1, seed, of.day)
    bodies = stream.bodies(_renamed(events, str(seed)), BATCH)
    connection = await load.Connection.open("127.0.0.1", of.port)
    pause, due = BATCH / rate, started
    while time.perf_counter() - started < SECONDS:
        body = next(bodies)
        due = max(due + pause, time.perf_counter() - 1.0)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        status, answer = await connection.send(
            load.request("/events/v1/events", body, token=of.token, content_type=stream.BATCH_TYPE)
        )
        if status not in (202, 429):
            raise RuntimeError(f"refused: {status} {answer[:300]!r}")
        series.sent += BATCH if status == 202 else 0
    series.seconds = max(series.seconds, time.perf_counter() - started)
    connection.close()


def _renamed(events: Iterator[dict[str, object]], mark: str) -> Iterator[dict[str, object]]:
    for event in events:
        yield {**event, "id": f"{event['id']}-{mark}"}


async def _probe(series: Series, of: Load, reader: httpx.AsyncClient, started: float) -> None:
    """New customers with a first deposit, one after another; each is looked for until it has a tier."""
    waiting: set[asyncio.Task[None]] = set()
    while (now := time.perf_counter()) - started < SECONDS:
        task = asyncio.create_task(_one(series, of, reader, 9_000_000 + next(of.numbers)))
        waiting.add(task)
        await asyncio.sleep(max(0.0, 1 / PROBES_A_SECOND - (time.perf_counter() - now)))
    await asyncio.gather(*waiting)


async def _one(series: Series, of: Load, reader: httpx.AsyncClient, customer: int) -> None:
    event = stream.transaction(f"probe-{customer}", customer, of.day, 500_000_000, "credit")
    connection = await load.Connection.open("127.0.0.1", of.port)
    body = json.dumps(event).encode()
    status, answer = await connection.send(
        load.request("/events/v1/events", body, token=of.token, content_type="application/cloudevents+json")
    )
    connection.close()
    if status != 202:
        raise RuntimeError(f"refused: {status} {answer[:300]!r}")
    accepted = time.perf_counter()
    for _ in range(round(LOOK_LIMIT_S / LOOK_EVERY_S)):
        if _has_a_tier(await reader.get(f"/scoring/v1/customers/c-{customer:07d}")):
            break
        await asyncio.sleep(LOOK_EVERY_S)
    else:
        raise RuntimeError(f"no tier {LOOK_LIMIT_S:.0f} s after the event was accepted")
    series.freshness_s.append(time.perf_counter() - accepted)


def _has_a_tier(response: httpx.Response) -> bool:
    if response.status_code == 404:
        return False
    return bool(response.raise_for_status().json()["tiers"])
