"""A policy tried beside the live one: on the SQLite log and on Kafka with PostgreSQL, by the same code."""

import asyncio
import csv
import io
import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from tierflow_embedded.access import Tokens
from tierflow_embedded.cli import app
from tierflow_embedded.process import ServerProcess
from tierflow_embedded.replay.waiting import read_log, wait_for_services
from tierflow_scoring.app import MIGRATIONS, create_handler, open_database
from tierflow_scoring.consumers.handler import ScoringHandler
from tierflow_scoring.settings import ScoringSettings
from tierflow_scoring.trial import book
from tierflow_scoring.trial import run as trial_run
from tierflow_scoring.trial.book import TrialError
from tierflow_scoring.trial.compare import Comparison, Sides, merged
from tierflow_scoring.trial.run import Start, Trial, database_url, policies_of
from tierflow_shared.bus.port import Record
from tierflow_shared.clock import SystemClock
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.client import SERVICES, ApiClient, Endpoints

pytestmark = pytest.mark.anyio

CURRENCY = "CNY"
BALANCES = (50_000, 150_000, 600_000, 950_000, 1_200_000, 5_000_000)
SCHEME = "private-bank"
NOW = SystemClock().now()
LIVE = {"general": 1, "personal": 3, "platinum": 2}


def _event(kind: str, event_id: str, data: dict[str, Any], day: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": "/core", "type": f"bank.{kind}.v1",
        "time": day.isoformat().replace("+00:00", "Z"), "data": data,
    }  # fmt: skip


def bank_events() -> Iterator[dict[str, Any]]:
    """A customer for each balance, paid in by ten bookings on ten days."""
    first = NOW - timedelta(days=20)
    for number in range(1, len(BALANCES) + 1):
        customer, account = f"c-{number}", f"a-{number}"
        opened = {"account_id": account, "customer_id": customer, "kind": "current", "currency": CURRENCY}
        day = first.date().isoformat()
        profile = {"customer_id": customer, "kind": "person", "relationship_since": "2020-01-01"}
        yield _event("customer.updated", f"p-{number}", profile, first)
        yield _event("account.opened", f"o-{number}", {**opened, "opened_on": day}, first)
    for step in range(10):
        day = first + timedelta(days=step)
        for number, balance in enumerate(BALANCES, 1):
            posted = {
                "transaction_id": f"t-{number}-{step}", "customer_id": f"c-{number}", "account_id": f"a-{number}",
                "amount": {"value": f"{balance // 10}.00", "currency": CURRENCY}, "direction": "credit",
                "booking_date": day.date().isoformat(), "channel": "branch", "purpose": "transfer",
            }  # fmt: skip
            yield _event("transaction.posted", f"t-{number}-{step}", posted, day)


class Bank:
    """A live Tierflow with the bank on it, and how to reach its log and databases."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir, self.environment = data_dir, environment
        self.server = ServerProcess(data_dir, "--currency", CURRENCY, environment=environment).start(ready_within_s=60)
        self.client = ApiClient(Endpoints.parse(self.server.url), Tokens(data_dir).tool, patience_s=20)
        body = json.dumps(list(bank_events())).encode()
        self.client.post("/events/v1/events", body, content_type="application/cloudevents-batch+json")
        self.client.post("/events/v1/business-date", {"business_date": NOW.date().isoformat()})
        wait_for_services(self.client, limit_s=60)

    def settings(self, **changes: Any) -> ScoringSettings:
        fields = {name.removeprefix("TIERFLOW_").lower(): value for name, value in self.environment.items()}
        return ScoringSettings(data_dir=self.data_dir, base_currency=CURRENCY, **{**fields, **changes})

    def close(self) -> None:
        self.client.close()
        self.server.stop()


@pytest.fixture(scope="module", params=["SQLite", "Kafka and PostgreSQL"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    data_dir = tmp_path_factory.mktemp("trial")
    environment: dict[str, str] = {}
    with ExitStack() as stack:
        if request.param != "SQLite":
            server, run = request.getfixturevalue("postgres"), f"t{secrets.token_hex(4)}"
            names = [f"{run}_{service.replace('-', '_')}" for service in SERVICES]
            for name in [*names, *(f"{run}_scoring_trial_{one}" for one in ("a", "b", "c", "d", "e", "f"))]:
                server.create_database(name)
                stack.callback(server.drop_database, name)
            environment = {
                "TIERFLOW_DATABASE_URL": server.url(f"{run}_{{service}}"),
                "TIERFLOW_KAFKA_BOOTSTRAP": request.getfixturevalue("kafka_bootstrap"),
                "TIERFLOW_KAFKA_PREFIX": f"{run}-{os.getpid()}.",
            }
        one = Bank(data_dir, environment)
        stack.callback(one.close)
        yield one


@pytest.fixture
def gentler(tmp_path: Path) -> str:
    """A version of private-bank that asks for less: platinum from 900,000 and personal from 40,000."""
    shipped = (files("tierflow_scoring") / "policies/standard/private-bank/2024.1.toml").read_text("utf-8")
    text = shipped.replace('"standard-2024.1"', '"gentler"')
    for old, new in (("1000000", "900000"), ("800000", "700000"), ("100000", "40000"), ("80000", "30000")):
        assert f'"{old}"' in text
        text = text.replace(f'"{old}"', f'"{new}"')
    file = tmp_path / "gentler.toml"
    file.write_text(text, "utf-8")
    return str(file)


async def tried(
    bank: Bank, name: str, policy: str, *, start: Start | None = None, until: threading.Event | None = None,
    silent: bool = True,
) -> tuple[Comparison, int]:  # fmt: skip
    """Reads the log into a trial, or `until` something happens; its comparison, and what waits in its outbox."""
    settings = bank.settings(poll_max_records=5)
    policies = policies_of(policy, "standard", CURRENCY)
    async with Trial(settings, policies, name, clock=SystemClock()) as trial:
        if not silent:
            url = str(trial.database.engine.url.render_as_string(hide_password=False))
            trial.database.close()
            trial.database = open_database(settings, SystemClock(), url=url)
        await trial.start(start or Start())
        if until is None:
            await trial.read_to(await trial.ends(), lambda _done, _total: None)
        else:
            assert await asyncio.to_thread(until.wait, 60)
        sides = Sides(trial.database, policies, CURRENCY, bank.client)
        found = await asyncio.to_thread(sides.compare, name, 100)
        return found, await asyncio.to_thread(trial.database.outbox_depth)


def scheme_of(found: Comparison) -> Any:
    return next(one for one in found.schemes if one.scheme == SCHEME)


def live_state(bank: Bank) -> Any:
    """What a trial must not touch: the log's ends, and how far the live services are and what they did."""
    progress = {name: bank.client.get(f"/{name}/v1/progress") for name in ("scoring", "suitability")}
    return read_log(bank.client), progress


async def test_who_would_move_and_why_and_nobody_else_notices(bank: Bank, gentler: str) -> None:
    before = live_state(bank)
    found, outbox = await tried(bank, "a", gentler)
    assert live_state(bank) == before
    assert outbox == 0
    assert found.same_place
    assert set(found.events) == {"applied"}
    assert found.events["applied"] >= len(list(bank_events()))
    private = scheme_of(found)
    assert {line.tier: line.live for line in private.pyramid if line.live} == LIVE
    assert [(mover.customer_id, mover.live, mover.trial) for mover in private.movers] == [
        ("c-1", "general", "personal"),
        ("c-4", "personal", "platinum"),
    ]
    assert {(move.live, move.trial, move.direction, move.customers) for move in private.moves} == {
        ("general", "personal", "up", 1),
        ("personal", "platinum", "up", 1),
    }
    assert "threshold 900000.00" in private.movers[1].why_trial
    assert "threshold 100000.00" in private.movers[1].why_live
    assert [one.moved for one in found.schemes if one.scheme != SCHEME] == [0]


async def test_control_the_same_policy_moves_nobody(bank: Bank) -> None:
    found, _ = await tried(bank, "b", "standard")
    assert found.same_place
    assert [scheme.moved for scheme in found.schemes] == [0, 0]
    assert scheme_of(found).customers == len(BALANCES)


async def test_control_a_trial_that_is_not_silent_has_things_to_say(bank: Bank, gentler: str) -> None:
    _, outbox = await tried(bank, "c", gentler, silent=False)
    assert outbox > 0


class Interruption:
    """A trial whose database is gone, for good, when it has taken some records."""

    def __init__(self, most_records: int) -> None:
        self.happened = threading.Event()
        self._left = most_records

    def create_handler(self, *parts: Any) -> ScoringHandler:
        """The trial's own handler, with the interruption before its work."""
        handler = create_handler(*parts)
        process = handler.process

        def until_gone(uow: UnitOfWork, records: Sequence[Record]) -> None:
            if len(records) > self._left:
                self.happened.set()
                raise OperationalError("no statement", None, ConnectionError("interrupted on purpose"))
            process(uow, records)
            self._left -= len(records)

        handler.process = until_gone  # type: ignore[method-assign]
        return handler


async def test_interrupted_it_goes_on_where_it_was(bank: Bank, gentler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the log, then the rest in another run: nothing is read twice, and the result is that of one run."""
    half_of_it = len(list(bank_events())) // 2
    interruption = Interruption(half_of_it)
    with monkeypatch.context() as patch:
        patch.setattr(trial_run, "create_handler", interruption.create_handler)
        half, _ = await tried(bank, "d", gentler, until=interruption.happened)
    assert 0 < sum(half.events.values()) <= half_of_it
    assert not half.same_place
    whole, _ = await tried(bank, "d", gentler)
    at_once, _ = await tried(bank, "a", gentler)
    assert whole.events == at_once.events
    assert whole.schemes == at_once.schemes
    with pytest.raises(TrialError, match="other policies"):
        await tried(bank, "d", "standard")


async def test_killed_in_the_middle_it_goes_on_where_it_was(bank: Bank, gentler: str) -> None:
    """kill -9 as soon as something is in its database; the next run brings the same as one run does."""
    where = ["--url", bank.server.url, "--data-dir", str(bank.data_dir), "--currency", CURRENCY]
    command = ["replay", "topic", "--policy", gentler, "--into", "f", "--follow", "--every", "3600", *where]
    environment = {**os.environ, **bank.environment, "TIERFLOW_POLL_MAX_RECORDS": "1"}
    started = (sys.executable, "-m", "tierflow_embedded", *command)
    process = await asyncio.create_subprocess_exec(*started, env=environment, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(has_taken_some, bank, "f"):
                assert process.returncode is None, "the trial ended"
    finally:
        process.kill()
        await process.wait()
    again, _ = await tried(bank, "f", gentler)
    at_once, _ = await tried(bank, "a", gentler)
    assert again.events == at_once.events
    assert again.schemes == at_once.schemes


def has_taken_some(bank: Bank, name: str) -> bool:
    """True once a trial's database counts events that were taken."""
    settings = bank.settings()
    with closing(open_database(settings, SystemClock(), url=database_url(settings, name), silent=True)) as database:
        with database.reading() as connection:
            is_there = inspect(connection).has_table("consumption")
        return is_there and sum(book.taken(database).values()) >= 5


async def test_from_a_time_or_an_offset_it_reads_the_rest(bank: Bank) -> None:
    partitions = len(read_log(bank.client))
    late = Start(datetime.now(UTC) + timedelta(days=1), dict.fromkeys(range(1, partitions), 0))
    found, _ = await tried(bank, "e", "standard", start=late)
    assert found.positions["trial"] == found.positions["live"]
    on_first = found.positions["live"]["bank.events/0"]
    skipped = sum(found.events.values())
    assert on_first > 0
    assert skipped + on_first == sum(found.positions["live"].values())


async def test_the_live_database_is_refused(bank: Bank, gentler: str) -> None:
    """It is not the trial's, whatever its name says."""
    live = bank.settings().database_url_for("scoring")
    policies = policies_of(gentler, "standard", CURRENCY)
    database = open_database(bank.settings(), SystemClock(), url=live, silent=True)
    with pytest.raises(TrialError, match="belongs to a running service"):
        book.prepare(database, MIGRATIONS, "x", policies)
    database.close()


@pytest.mark.parametrize("form", ["table", "json", "csv"])
async def test_the_command_shows_it(
    bank: Bank, gentler: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bank.environment.items():
        monkeypatch.setenv(name, value)
    where = ["--url", bank.server.url, "--data-dir", str(bank.data_dir), "--currency", CURRENCY]
    command = ["replay", "topic", "--policy", gentler, "--into", "a", "--format", form, "--follow", "--rounds", "1"]
    shown = await asyncio.to_thread(CliRunner().invoke, app, [*command, *where])
    assert shown.exit_code == 0, shown.output
    if form == "json":
        found = json.loads(shown.stdout)
        assert {scheme["scheme"]: scheme["moved"] for scheme in found["schemes"]}[SCHEME] == 2
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(shown.stdout)))
        assert [(row["customer_id"], row["live"], row["trial"]) for row in rows] == [
            ("c-1", "general", "personal"), ("c-4", "personal", "platinum"),
        ]  # fmt: skip
    else:
        assert "2 of 6 customers would move" in shown.stdout


def test_sides_are_paired_by_customer() -> None:
    live, trial = ([{"customer_id": name} for name in names] for names in (("a", "b", "d"), ("b", "c", "d", "e")))
    pairs = [(one and one["customer_id"], two and two["customer_id"]) for one, two in merged(iter(live), iter(trial))]
    assert pairs == [("a", None), ("b", "b"), (None, "c"), ("d", "d"), (None, "e")]
