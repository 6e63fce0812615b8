"""The three parts: a long steady load, a consumer that is away, and an outbox that fills."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

from bench.result import Result
from bench.soak import reckoning, show
from bench.soak.crowd import Crowd, Pace
from bench.soak.reckoning import Account
from bench.soak.trend import GROWTH_LIMIT, Trend, fit
from bench.soak.watch import READERS, Watch
from bench.soak.world import World, opened

WARM_UP_SHARE: Final = 0.25
BOOK_S: Final = 3.0  # the first looks have to be older than what counts as late
OUTBOX_LIMIT: Final = 2_000
_DAYS: Final = 90
_LIMIT_S: Final = 900.0
_STEADY_S: Final = 20.0
_KEPT_DAYS: Final = 3
_AWAY: Final = "scoring"


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do: `minutes` of load, of outage, or without a broker; events and sale requests a second."""

    minutes: float
    rate: float
    sales: float
    customers: int

    @property
    def seconds(self) -> float:
        return 60 * self.minutes


@dataclass(frozen=True, slots=True)
class Scene:
    """A world with a crowd at work and a watch on both."""

    world: World
    crowd: Crowd
    watch: Watch
    tasks: Sequence[asyncio.Task[None]]

    async def until(self, done: Callable[[], bool], limit_s: float, what: str) -> None:
        """Waits until `done` says yes, and no longer than crowd and watch are at work.

        Raises:
            TimeoutError: it did not within the limit.
        """
        deadline = time.monotonic() + limit_s
        while not done():
            for task in self.tasks:
                if task.done():
                    task.result()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {limit_s:g} s")
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _scene(world: World, pace: Pace, whole_s: float) -> AsyncIterator[Scene]:
    """The crowd works inside the block; at its end it has stopped, and every service is at the end of the log.

    Raises:
        TimeoutError: a service did not come to the end of the log.
    """
    await asyncio.to_thread(world.tell_the_book)
    crowd = Crowd(world, pace, days=round(whole_s / pace.day_s) + 1)
    watch = Watch(world, crowd, show.Lines(whole_s))
    looking = asyncio.create_task(watch.run())
    before = Scene(world, crowd, watch, [looking])
    try:
        await before.until(lambda: watch.nothing_late(BOOK_S), _LIMIT_S, "the book is taken")
        working = asyncio.create_task(crowd.run())
        try:
            yield Scene(world, crowd, watch, [looking, working])
        finally:
            crowd.stop()
            await working
        stopped = watch.now
        await before.until(lambda: watch.all_taken(stopped), _LIMIT_S, "everything is taken")
    finally:
        watch.stop()
        await looking


async def _hold(scene: Scene, seconds: float) -> None:
    """So long the crowd works as it does."""
    until_s = scene.watch.now + seconds
    await scene.until(lambda: scene.watch.now >= until_s, seconds + 60, "a steady load")


def soak(orders: Orders) -> Result:
    """Is memory flat? The caches that fill with business days are set so that they are full before measuring."""
    pace = Pace(orders.rate, orders.sales, day_s=max(2.0, orders.seconds / _DAYS))
    a_day = orders.customers // 4
    environment = {
        "TIERFLOW_BUCKET_CACHE_LIMIT": str(_KEPT_DAYS * a_day),
        "TIERFLOW_RECENT_MONEY_LIMIT": str(_KEPT_DAYS * a_day),
    }

    async def run(world: World) -> tuple[Scene, Account]:
        async with _scene(world, pace, orders.seconds) as scene:
            await _hold(scene, orders.seconds)
        return scene, await reckoning.reckon(world, scene.crowd.tally)

    with opened(orders.customers, environment) as world:
        scene, account = asyncio.run(run(world))
    samples = scene.watch.samples
    first = samples[0].at + WARM_UP_SHARE * orders.seconds
    kept = [one for one in samples if first <= one.at <= orders.seconds]
    trends = {name: fit([one.at for one in kept], [one.rss[name] for one in kept]) for name in show.SERVICES}
    picture = show.plot("soak", samples, trends=trends, away=None, measured=(kept[0].at, kept[-1].at))
    worst = max(trends.values(), key=lambda trend: 0.0 if trend.within_noise else trend.growth_share)
    return Result(
        name="soak",
        figure=round(100 * worst.growth_share, 2),
        limit_or_peer=100 * GROWTH_LIMIT,
        ratio=round(worst.growth_share / GROWTH_LIMIT, 3),
        goal=f"memory flat over {orders.minutes:g} minutes: slope within noise, or growth below {GROWTH_LIMIT:.0%}",
        reached=all(trend.flat for trend in trends.values()) and account.sound,
        unit="% growth of resident memory over the measured time, the worst service",
        against="the limit of growth",
        detail={
            "trends": {name: _trend(trend) for name, trend in trends.items()},
            "warm_up_share": WARM_UP_SHARE, "account": account.summary(), "settings": environment, "plot": str(picture),
            **_conditions(orders, pace, scene), "highest_late": max(sum(one.late.values()) for one in kept),
        },
    )  # fmt: skip


def outage(orders: Orders) -> Result:
    """A consumer is stopped under load; how long after its new start does the lag take to come back to 0?"""
    pace = Pace(orders.rate, orders.sales, day_s=30.0)
    whole_s = orders.seconds + 3 * _STEADY_S

    async def run(world: World) -> tuple[Scene, Account, tuple[float, float, float, float]]:
        async with _scene(world, pace, whole_s) as scene:
            await _hold(scene, _STEADY_S)
            stopped = scene.watch.now
            await asyncio.to_thread(world.stack.stop, [_AWAY])
            await _hold(scene, orders.seconds)
            started = scene.watch.now
            await asyncio.to_thread(world.stack.restart, _AWAY)
            ready = scene.watch.now
            await scene.until(lambda: scene.watch.nothing_late(ready), _LIMIT_S, f"{_AWAY} catches up")
            caught_up = scene.watch.now
            await _hold(scene, _STEADY_S)
        return scene, await reckoning.reckon(world, scene.crowd.tally), (stopped, started, ready, caught_up)

    with opened(orders.customers, {}) as world:
        scene, account, (stopped, started, ready, caught_up) = asyncio.run(run(world))
    samples = scene.watch.samples
    show.plot("outage", samples, trends={}, away=(stopped, started), measured=None)
    took, away = caught_up - started, started - stopped
    after = [one for one in samples if one.at >= caught_up]
    return Result(
        name="outage",
        figure=round(took, 1),
        limit_or_peer=round(away, 1),
        ratio=round(took / away, 3),
        goal="lag 0 again under load, sooner than the outage was long; nothing lost, doubled or reordered",
        reached=took < away and account.sound,
        unit="s from the start of the stopped consumer to lag 0",
        against="how long it was away",
        detail={
            "service": _AWAY, "lag_at_the_start": max(one.lag[_AWAY] for one in samples),
            "ready_after_s": round(ready - started, 1),
            "late_afterwards": max(one.late[_AWAY] for one in after), "account": account.summary(),
            "rss_peak_mib": _peaks(scene), **_conditions(orders, pace, scene),
        },
    )  # fmt: skip


def outbox(orders: Orders) -> Result:
    """The broker is killed under load: what happens to requests, to the outbox and to memory until it is back?"""
    pace = Pace(orders.rate, max(orders.sales, 100.0), day_s=30.0, buyers=32, patience_s=0.05)
    environment = {"TIERFLOW_OUTBOX_LIMIT": str(OUTBOX_LIMIT)}

    async def run(world: World) -> tuple[Scene, Account, tuple[float, float, float, float]]:
        async with _scene(world, pace, orders.seconds + 2 * _STEADY_S) as scene:
            await _hold(scene, _STEADY_S)
            await asyncio.to_thread(world.kill_broker)
            killed = scene.watch.now
            await _hold(scene, orders.seconds)
            restarted = scene.watch.now
            await asyncio.to_thread(world.stack.up)
            back = scene.watch.now
            taken = len(scene.crowd.tally.sales)
            await scene.until(
                lambda: _all_published(scene.watch) and len(scene.crowd.tally.sales) > taken,
                _LIMIT_S,
                "it is published",
            )
            published = scene.watch.now
            await _hold(scene, _STEADY_S)
        return scene, await reckoning.reckon(world, scene.crowd.tally), (killed, restarted, back, published)

    with opened(orders.customers, environment) as world:
        scene, account, (killed, restarted, back, published) = asyncio.run(run(world))
    samples = [one for one in scene.watch.samples if killed <= one.at <= restarted]
    deepest = max(one.outbox.get("suitability", 0) for one in samples)
    half = [one for one in samples if one.at >= (killed + restarted) / 2]
    trends = {name: fit([one.at for one in half], [one.rss[name] for one in half]) for name in show.SERVICES}
    show.plot(
        "outbox", scene.watch.samples, trends=trends, away=(killed, restarted), measured=(half[0].at, half[-1].at)
    )
    answers = scene.crowd.tally.answers
    return Result(
        name="outbox",
        figure=deepest,
        limit_or_peer=OUTBOX_LIMIT,
        ratio=round(deepest / OUTBOX_LIMIT, 3),
        goal="429 at the outbox's limit (one group of requests more at most), memory flat, all published afterwards",
        reached=deepest <= 1.25 * OUTBOX_LIMIT
        and answers["suitability 429"] > 0
        and scene.crowd.tally.without_retry_after == 0
        and all(trend.flat for trend in trends.values())
        and account.sound,
        unit="messages in the outbox at most",
        against="TIERFLOW_OUTBOX_LIMIT",
        detail={
            "answers": dict(sorted(answers.items())), "without_retry_after": scene.crowd.tally.without_retry_after,
            "without_broker_s": round(restarted - killed, 1), "start_of_kafka_s": round(back - restarted, 1),
            "published_after_s": round(published - back, 1),
            "trends_in_the_second_half": {name: _trend(trend) for name, trend in trends.items()},
            "account": account.summary(), **_conditions(orders, pace, scene),
        },
    )  # fmt: skip


def _all_published(watch: Watch) -> bool:
    last = watch.samples[-1]
    return len(last.outbox) == len(READERS) and sum(last.outbox.values()) < OUTBOX_LIMIT / 10


def _peaks(scene: Scene) -> dict[str, float]:
    samples = scene.watch.samples
    return {name: max(one.rss.get(name, 0.0) for one in samples) for name in show.SERVICES}


def _trend(trend: Trend) -> dict[str, object]:
    return {
        "slope_mib_per_hour": round(trend.slope, 2), "error_95_mib_per_hour": round(trend.error, 2),
        "mean_mib": round(trend.mean, 1), "growth_percent": round(100 * trend.growth_share, 2),
        "within_noise": trend.within_noise, "flat": trend.flat, "seconds": round(trend.seconds),
    }  # fmt: skip


def _conditions(orders: Orders, pace: Pace, scene: Scene) -> dict[str, object]:
    tally = scene.crowd.tally
    return {
        "conditions": {**asdict(orders), **asdict(pace), "days_closed": tally.days_closed},
        "answers_in_all": dict(sorted(tally.answers.items())),
    }


PARTS: Final[Mapping[str, Callable[[Orders], Result]]] = {"soak": soak, "outage": outage, "outbox": outbox}
"""By name. Each takes some seconds more than its minutes: start, warm-up, settling."""
MINUTES: Final[Mapping[str, float]] = {"soak": 30.0, "outage": 5.0, "outbox": 2.0}
