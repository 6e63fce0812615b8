"""Runs the demo from an empty folder to the report."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Final

from tierflow_embedded.access import Tokens
from tierflow_embedded.clocks import RealClock, StreamClock
from tierflow_embedded.demo.people import People
from tierflow_embedded.demo.play import Player, asked_now
from tierflow_embedded.generate.plan import CURRENCY, BankPlan
from tierflow_embedded.process import ServerError
from tierflow_embedded.replay.berka_files import BerkaFiles
from tierflow_embedded.replay.digests import read_digests
from tierflow_embedded.replay.feed import Feed
from tierflow_embedded.replay.reconcile import AccountCheck, Effects, check_accounts, check_effects
from tierflow_embedded.replay.session import BerkaReplay, Lines, berka_server, send_berka
from tierflow_embedded.replay.waiting import read_log, read_progress
from tierflow_embedded.report.load import load_report
from tierflow_embedded.report.model import Check, Report
from tierflow_embedded.report.page import write
from tierflow_embedded.server import ThreadedServer
from tierflow_shared.logs import configure_logging
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.client import ApiClient, Endpoints

BATCH: Final = 1_000
_TOKEN_LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Which bank to show, and where the report goes. Without `url` a server is started for the demo."""

    out: Path
    seed: int
    customers: int
    berka: Path | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What was played, and where it can be read."""

    report: Report
    path: Path
    seconds: float

    @property
    def agrees(self) -> bool:
        return all(check.agrees for check in self.report.checks)


def run_demo(options: DemoOptions, lines: Lines) -> DemoResult:
    """Plays a bank and writes the report. What the demo keeps from an earlier run is replaced."""
    started = time.monotonic()
    data_dir = options.out / "data"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    if options.berka:
        wanted = BerkaReplay(directory=options.berka, url=options.url, data_dir=None if options.url else data_dir)
        report = _berka(wanted, lines)
    elif options.url:
        report = _into_running(options, options.url, lines)
    else:
        report = _generated(options, data_dir, lines)
    path = options.out / "report.html"
    write(report, path)
    return DemoResult(report, path, time.monotonic() - started)


def _generated(options: DemoOptions, data_dir: Path, lines: Lines) -> Report:
    """A server of our own whose clock follows the stream."""
    plan = BankPlan(seed=options.seed, customers=options.customers)
    clock = StreamClock(datetime.combine(plan.start, clock_time(), UTC))
    configure_logging("demo", "ERROR")
    tokens = Tokens(data_dir, clock, lifetime=_TOKEN_LIFETIME)
    with (
        ThreadedServer.on_free_port(data_dir, clock, policy="standard", currency=CURRENCY) as server,
        ApiClient(Endpoints.parse(server.url), tokens.tool, patience_s=15) as client,
    ):
        client.get("/readyz")
        player = Player(plan, client, clock, People(client, tokens), Feed(client, batch_events=BATCH))
        return _played(plan, client, player, lines)


def _into_running(options: DemoOptions, url: str, lines: Lines) -> Report:
    """A server that keeps the real time: the bank ends yesterday, and its sales are asked for as we play."""
    clock = RealClock()
    plan = BankPlan(seed=options.seed, customers=options.customers, end=clock.now().date() - timedelta(days=1))
    tokens = Tokens(ServiceSettings().data_dir, clock)
    with ApiClient(Endpoints.parse(url), tokens.tool, patience_s=60) as client:
        if any(read_log(client).values()):
            raise ServerError("the demo needs an empty Tierflow; this one has messages on its log")
        people, feed = People(client, tokens), Feed(client, batch_events=BATCH)
        player = Player(plan, client, clock, people, feed, as_sent=lambda event: asked_now(event, clock.now()))
        return _played(plan, client, player, lines)


def _played(plan: BankPlan, client: ApiClient, player: Player, lines: Lines) -> Report:
    days = lines.counter(f"{plan.customers} customers, {plan.days} days", plan.days)
    player.play(days.show)
    effects = check_effects(read_progress(client), player.books.by_type)
    counts = player.counts
    checks = _checks(counts.total_read, counts.total_accepted, effects, check_accounts(client, player.books))
    digests = read_digests(client, player.books.last_booking)
    return load_report(
        client,
        title="A generated bank",
        as_of=plan.end,
        checks=checks,
        digests={"digest": digests.digest, "decisions digest": digests.decisions_digest},
    )


def _berka(wanted: BerkaReplay, lines: Lines) -> Report:
    files = BerkaFiles(wanted.directory)
    with berka_server(wanted) as client:
        outcome = send_berka(client, files, wanted, lines)
        counts = outcome.counts
        checks = _checks(counts.total_read, counts.total_accepted, outcome.effects, outcome.accounts)
        return load_report(
            client,
            title="The Berka bank, 1993–1998",
            as_of=outcome.last_booking,
            checks=checks,
            digests={"digest": outcome.digests.digest, "decisions digest": outcome.digests.decisions_digest},
        )


def _checks(read: int, accepted: int, effects: Sequence[Effects], accounts: AccountCheck) -> list[Check]:
    """The reconciliation as lines of the report."""
    lines = [Check("events read and accepted", read, accepted)]
    for service in dict.fromkeys(one.service for one in effects):
        mine = [one for one in effects if one.service == service]
        lines.append(Check(f"effects in {service}", sum(one.sent for one in mine), sum(one.applied for one in mine)))
    lines.append(Check("accounts whose signed sum is equal", accounts.expected, accounts.equal))
    return lines
