"""One campaign: start, load, faults with their recovery, drain, check."""

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx

from tests.chaos import faults
from tests.chaos.checker import Findings, check
from tests.chaos.crowd import Crowd
from tests.chaos.expected import Expected, expected_of
from tests.chaos.journal import Journal
from tests.chaos.load import RefusedError, Tally
from tests.chaos.plan import Fault
from tests.chaos.shapes import Shape
from tests.chaos.stack import SERVICES, Services, StackError
from tests.chaos.story import Bank
from tests.chaos.watch import Watch
from tierflow_embedded.access import Tokens
from tierflow_shared.clock import ManualClock
from tierflow_shared.web.scopes import ALL_SCOPES

RECOVERY_LIMIT_S: Final = 120.0
_FINISH_S: Final = 120.0
_DRAIN_S: Final = 240.0
_LOOK_AGAIN_S: Final = 0.2
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Orders:
    """What a campaign is to do."""

    seed: int
    length_s: float
    rate: float
    customers: int
    producers: int
    days: int
    plan: Sequence[Fault]
    sample: int
    migration_fault: bool = True
    without: str | None = None
    wake_zombies_late: bool = False
    finish_plan: bool = True  # also when that takes longer than the campaign should

    @property
    def bank(self) -> Bank:
        """Its days end so that a day may be closed behind them, whatever the clock is stepped to."""
        last = today() - timedelta(days=3)
        per_day = max(1, int(self.rate * self.length_s / self.days))
        return Bank(self.seed, self.producers, self.customers, last, self.days, per_day)


@dataclass(slots=True)
class Struck:
    """A fault as it happened. `recovery_s` None: not within the limit. `skipped` says why it did not happen."""

    kind: str
    target: str
    at_s: float
    lasted_s: float
    recovery_s: float | None
    skipped: str | None = None
    waited_for: str = ""


@dataclass(slots=True)
class Result:
    """What came of a campaign."""

    acknowledged: int = 0
    findings: Findings = field(default_factory=Findings)
    struck: list[Struck] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    load_s: float = 0.0

    @property
    def happened(self) -> list[Struck]:
        return [one for one in self.struck if one.skipped is None]

    @property
    def is_clean(self) -> bool:
        return self.findings.is_clean and not self.problems


def today() -> date:
    """The machine's day."""
    return datetime.now(UTC).date()


class Campaign:
    """Runs once. `say` gets a line for each thing that happens."""

    def __init__(self, orders: Orders, shape: Shape, folder: Path, say: Say) -> None:
        self._orders, self._shape, self._folder, self._say = orders, shape, folder, say
        self.result = Result()
        self._began = time.monotonic()

    def run(self) -> Result:
        """Everything, and whatever happens nothing is left running."""
        shutil.rmtree(self._folder / "logs", ignore_errors=True)
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        book = Journal(self._fresh("journal.jsonl"))
        try:
            self._shape.start()
            with self._services() as services:
                self._watch = Watch(self._shape.source, services, self.result.tally, self._shape.errors)
                try:
                    self._boot(services)
                    self._storm(services, book)
                finally:
                    self._watch.close()
        except (RefusedError, StackError) as error:
            self.result.problems.append(f"{type(error).__name__}: {error}")
        except Exception as error:  # the report must be written whatever happens
            self.result.problems.append(f"{error!r}: {''.join(traceback.format_tb(error.__traceback__)[-3:])}")
        finally:
            book.close()
            self._shape.stop()
            self.result.left_out.update(self._shape.left_out)
        return self.result

    def _fresh(self, name: str) -> Path:
        path = self._folder / name
        path.unlink(missing_ok=True)
        return path

    @contextmanager
    def _services(self) -> Iterator[Services]:
        clock_file = self._fresh("clock")
        clock_file.write_text("0", encoding="ascii")
        more = {"CHAOS_CLOCK_FILE": str(clock_file)}
        if self._orders.without:
            more["CHAOS_WITHOUT"] = self._orders.without
        environments = {name: {**its, **more} for name, its in self._shape.environments().items()}
        services = Services(self._folder, environments)
        try:
            yield services
        finally:
            services.stop()

    def _boot(self, services: Services) -> None:
        """The first start; one service dies in the middle of making its schema."""
        if not self._orders.migration_fault:
            services.start()
            return
        target = Random(f"migration/{self._orders.seed}").choice(SERVICES)
        member, began = services.members[target], time.monotonic()
        member.spawn(TIERFLOW_CRASH_AT="in-migration")
        died = member.wait_gone(60.0)
        ended = time.monotonic()
        if not died:
            member.kill()
        services.start()
        recovery_s, skipped = time.monotonic() - ended, None if died else "no migration ran"
        self.result.struck.append(Struck("crash:in-migration", target, 0.0, ended - began, recovery_s, skipped))
        self._say(f"crash:in-migration of {target}: all services ready after {recovery_s:.1f} s")

    def _storm(self, services: Services, book: Journal) -> None:
        tokens = Tokens(self._folder / "data", ManualClock(datetime.now(UTC) - timedelta(hours=1)))

        def token(customer: str) -> str:
            return tokens.mint(customer or "core-banking", ALL_SCOPES, customer or None, timedelta(days=2))

        orders, tally = self._orders, self.result.tally
        crowd = Crowd(orders.bank, orders.rate, book, tally, services.url, self._shape, token)
        ground = faults.Ground(services, self._shape, self._folder / "clock", crowd.poison, crowd.resend)
        if orders.wake_zombies_late:
            ground.before_waking = lambda: self._quiet(crowd)
        self._began = time.monotonic()
        try:
            crowd.start()
            self._strike_all(ground, crowd, book)
            crowd.finish(_FINISH_S)
            self.result.load_s = time.monotonic() - self._began
            self._say(f"{book.acknowledged:,} acknowledged; closing the last day and draining")
            last = crowd.close_last_day()
            self._drain(services)
            self._check(services, book.path, token(""), last)
        finally:
            self.result.acknowledged = book.acknowledged
            crowd.close()

    def _quiet(self, crowd: Crowd) -> None:
        """No more load, and all of it worked off: what a zombie does now nobody repairs."""
        crowd.finish(_FINISH_S)
        ends = self._watch.ends()
        self._wait_for(lambda: not any(self._watch.behind(ends).values()), "the log to be read")

    def _strike_all(self, ground: faults.Ground, crowd: Crowd, book: Journal) -> None:
        for fault in self._orders.plan:
            if fault.kind in self._shape.left_out:
                continue
            if time.monotonic() - self._began > self._orders.length_s and not self._orders.finish_plan:
                late = "the faults before it took all the time"
                self.result.struck.append(Struck(fault.kind, fault.target, fault.at_s, 0.0, None, late))
                continue
            self._wait_until(fault.at_s, ground.services, crowd, book)
            began, ground.restored_from_s = time.monotonic(), None
            skipped = faults.strike(ground, fault)
            ended = ground.restored_from_s or time.monotonic()
            recovery_s = self._watch.recovery_s(
                ended,
                limit_s=RECOVERY_LIMIT_S,
                needs_ack=not self._orders.wake_zombies_late,
                keep_alive=lambda: self._revive(ground.services),
            )
            struck = Struck(fault.kind, fault.target, began - self._began, ended - began, recovery_s, skipped)
            struck.waited_for = self._watch.last_waited_for
            self.result.struck.append(struck)
            self._tell(struck, book)
            if recovery_s is None:
                self.result.problems.append(f"no recovery from {fault.kind} of {fault.target}: {self._lag()}")
                return
        self._wait_until(self._orders.length_s, ground.services, crowd, book)

    def _lag(self) -> str:
        try:
            return str(self._watch.behind(self._watch.ends()))
        except Exception as error:  # whatever the state is, the report must be written
            return repr(error)

    def _revive(self, services: Services) -> None:
        for name in services.keep_alive():
            self.result.died.append(name)
            self._say(f"{name} had died on its own and was started again")

    def _wait_until(self, at_s: float, services: Services, crowd: Crowd, book: Journal) -> None:
        told = time.monotonic()
        while time.monotonic() - self._began < at_s:
            self._revive(services)
            failed = crowd.failed
            if failed is not None:
                raise RefusedError(f"the load ended: {failed!r}") from failed
            if time.monotonic() - told > 30:
                told = time.monotonic()
                self._say(f"{told - self._began:6.0f} s  {book.acknowledged:>9,} acknowledged")
            time.sleep(_LOOK_AGAIN_S)

    def _tell(self, struck: Struck, book: Journal) -> None:
        recovered = "NOT RECOVERED" if struck.recovery_s is None else f"recovered in {struck.recovery_s:.1f} s"
        recovered += f", last waiting for {struck.waited_for}" if struck.waited_for else ""
        what = f"{struck.kind} of {struck.target} for {struck.lasted_s:.1f} s: "
        self._say(f"{struck.at_s:6.0f} s  {book.acknowledged:>9,}  {what}{struck.skipped or recovered}")

    def _wait_for(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _DRAIN_S
        while not done():
            if time.monotonic() > deadline:
                raise StackError(f"waited too long for {what}: {self._lag()}")
            time.sleep(_LOOK_AGAIN_S)

    def _drain(self, services: Services) -> None:
        """Until nothing is unread and nothing unsaid, twice in a row."""
        source, calm = self._shape.source, 0

        def is_still() -> bool:
            nonlocal calm
            self._revive(services)
            waiting = sum(source.rows(name, "SELECT COALESCE(SUM(messages), 0) FROM outbox")[0][0] for name in SERVICES)
            still = not waiting and not any(self._watch.behind(self._watch.ends()).values())
            calm = calm + 1 if still else 0
            return calm >= 3

        self._wait_for(is_still, "the services to work everything off")

    def _check(self, services: Services, journal: Path, token: str, last: str) -> None:
        truth = expected_of(journal)
        self.result.acknowledged = truth.acknowledged
        if self.result.tally.refusals:
            self.result.problems += self.result.tally.refusals[:5]
        self._say("comparing what was acknowledged with what took effect")
        with httpx.Client(timeout=60.0, headers={"authorization": f"Bearer {token}"}) as client:

            def get(path: str) -> Any:
                answer = client.get(services.url(path.split("/")[1]) + path)
                answer.raise_for_status()
                return answer.json()

            sample = self._sample(truth)
            self.result.findings = check(self._shape.source, truth, get, sample, last)

    def _sample(self, truth: Expected) -> list[str]:
        names = sorted(truth.customers.keys() & {key[1] for key in truth.buckets})
        return Random(f"sample/{self._orders.seed}").sample(names, min(self._orders.sample, len(names)))
