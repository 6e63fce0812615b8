"""An operator's day with dead letters, by the command line: look, correct, add the missing rate, replay."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tierflow_embedded.access import Tokens
from tierflow_embedded.cli import app
from tierflow_embedded.process import ServerProcess
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.clock import SystemClock
from tierflow_shared.web.client import ApiClient, Endpoints

YESTERDAY = (SystemClock().now().date() - timedelta(days=1)).isoformat()
WITHIN_S = 30.0


class Operator:
    """A bank in CZK, a client for the bank's side, and the command line for the operator's."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.server = ServerProcess(data_dir, "--currency", "CZK").start()
        self.client = ApiClient(Endpoints.parse(self.server.url), Tokens(data_dir).tool, patience_s=20)

    def send(self, event_type: str, event_id: str, data: dict[str, Any]) -> None:
        event = {
            "specversion": "1.0", "id": event_id, "source": "/core", "type": f"bank.{event_type}.v1",
            "time": f"{YESTERDAY}T08:00:00Z", "data": data,
        }  # fmt: skip
        self.client.post("/events/v1/events", event, content_type="application/cloudevents+json")

    def book(self, event_id: str, value: str, currency: str) -> None:
        """A credit on the account of c-1."""
        data = {
            "transaction_id": event_id, "customer_id": "c-1", "account_id": "a-1", "direction": "credit",
            "amount": {"value": value, "currency": currency}, "booking_date": YESTERDAY, "channel": "branch",
            "purpose": "transfer",
        }  # fmt: skip
        self.send("transaction.posted", event_id, data)

    def letters(self, *words: str, fails: bool = False) -> Any:
        """A command of `tierflow letters`; its JSON."""
        where = ["--url", self.server.url, "--data-dir", str(self.data_dir), "--json"]
        shown = CliRunner().invoke(app, ["letters", *words, *where])
        assert (shown.exit_code != 0) == fails, shown.output
        return shown.output if fails else json.loads(shown.output)

    def open_letters(self, count: int) -> list[Any]:
        """The open letters, once there are so many."""
        deadline = time.monotonic() + WITHIN_S
        while len(found := self.letters("list", "--state", "open")["items"]) != count:
            assert time.monotonic() < deadline, found
        return list(found)

    def balance(self) -> int:
        """What scoring has booked on the account, in minor units, once it has read everything."""
        wait_for_services(self.client, limit_s=WITHIN_S)
        return int(sum(row["net_minor"] for row in self.client.pages("/scoring/v1/accounts")))

    def restart(self, **environment: str) -> None:
        """The same server with other settings."""
        self.server.stop()
        port = self.server.port
        self.server = ServerProcess(self.data_dir, "--currency", "CZK", port=port, environment=environment).start()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    one = Operator(tmp_path)
    try:
        one.send(
            "account.opened", "o-1",
            {"account_id": "a-1", "customer_id": "c-1", "kind": "current", "currency": "CZK", "opened_on": YESTERDAY},
        )  # fmt: skip
        yield one
    finally:
        one.client.close()
        one.server.stop()


def test_look_correct_and_replay(operator: Operator, tmp_path: Path) -> None:
    operator.book("t-1", "1000.00", "CZK")
    operator.book("t-2", "20.00", "USD")
    operator.book("t-3", "30.00", "EUR")
    by_event = {one["event_id"]: one["id"] for one in operator.open_letters(2)}
    assert operator.balance() == 100_000

    shown = operator.letters("show", by_event["t-2"])
    assert shown["reason"] == "no-rate"
    assert {"name": "data.amount.currency", "kind": "text"} in shown["content"]["fields"]
    assert "20.00" not in json.dumps(shown)

    command = ("fix", by_event["t-2"], "--set", "amount.currency=CZK")
    assert operator.letters(*command, "--dry-run")["replay"] is None
    first, second = operator.letters(*command), operator.letters(*command)
    assert first["replay"]["event_id"] == second["replay"]["event_id"]
    assert operator.balance() == 102_000
    operator.letters("fix", by_event["t-2"], "--set", "amount.currency=GBP", fails=True)

    assert operator.letters("replay", by_event["t-3"])["replayed"] == 1
    (again,) = operator.open_letters(1)
    assert (again["replay_of"], again["first"]) == (by_event["t-3"], by_event["t-3"])
    assert operator.letters("show", by_event["t-3"])["replay"]["outcome"] == "failed-again"
    assert operator.balance() == 102_000

    rates = tmp_path / "rates.json"
    rates.write_text(json.dumps({"EUR": {"1999-01-01": "25"}}))
    operator.restart(TIERFLOW_RATES_PATH=str(rates))
    assert operator.letters("replay", "--reason", "no-rate", "--dry-run")["matched"] == 1
    told = operator.letters("replay", "--reason", "no-rate")
    assert (told["matched"], told["replayed"], told["more"]) == (1, 1, False)
    assert operator.letters("replay", "--reason", "no-rate")["matched"] == 0
    assert operator.balance() == 102_000 + 75_000
    assert operator.letters("show", again["id"])["replay"]["by"] == "tierflow-cli"
    assert operator.open_letters(0) == []
