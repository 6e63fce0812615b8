"""200 personal values go through every flow, failures included. Nobody may find one where it does not belong.

The search is by bytes, over every file. It must find the values when nothing is sealed, else it proves nothing.
"""

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from tests.e2e.production import production
from tests.security.canaries import CUSTOMERS, PUBLIC, Canaries, Story, files_of, found_in
from tierflow_embedded.access import Tokens
from tierflow_embedded.cli import app
from tierflow_embedded.process import ServerProcess
from tierflow_embedded.report.access import access_document
from tierflow_shared.web.client import ApiClient, ApiError, Endpoints
from tierflow_stack.settings import ISSUER

READY_WITHIN_S: Final = 120.0


class Bank:
    """One process on SQLite files, with its log lines in a file."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.server = ServerProcess(folder, "--currency", "CZK", environment=environment)

    @contextmanager
    def running(self) -> Iterator[Story]:
        with ExitStack() as stack:
            stack.callback(self.server.stop)
            self.server.start(ready_within_s=READY_WITHIN_S)
            client = ApiClient(Endpoints.parse(self.server.url), Tokens(self.folder).tool, patience_s=60)
            with client:
                yield Story(client, Tokens(self.folder), Canaries())

    def crash(self, story: Story) -> None:
        """kill -9 while profiles are on their way, and a start on what is left."""
        sender = threading.Thread(target=story.flood)
        first = len(story.canaries.kept)
        sender.start()
        while len(story.canaries.kept) < first + 3:
            assert sender.is_alive()
        self.server.kill()
        self.server.start(ready_within_s=READY_WITHIN_S)
        sender.join()

    def wrapped_keys(self) -> list[bytes]:
        engine = create_engine(f"sqlite:///{self.folder / 'events.db'}")
        with engine.connect() as connection:
            query = text("SELECT wrapped FROM customer_key WHERE wrapped IS NOT NULL")
            found = list(connection.execute(query).scalars())
        engine.dispose()
        return [bytes(one) for one in found]

    def report(self, customer: str, form: str = "json") -> str:
        where = ["--url", self.server.url, "--data-dir", str(self.folder), "--format", form]
        shown = CliRunner().invoke(app, ["access-report", customer, *where])
        assert shown.exit_code == 0, shown.output
        return shown.output


def test_nobody_finds_a_canary(tmp_path: Path) -> None:
    """Before the erasure only the access report shows them, after it nothing; what must be kept still holds."""
    bank = Bank(tmp_path / "data")
    with bank.running() as story:
        story.plant()
        bank.crash(story)
        story.flood()
        canaries = story.canaries
        assert len(canaries.all) >= 200
        assert found_in(files_of(bank.folder), canaries.all) == {}, "on disk, before anybody was erased"
        _are_not_in(_metrics(story) + story.said(), canaries.all)

        reports = "".join(bank.report(story.customer(number)) for number in range(CUSTOMERS))
        shown = [one for one in canaries.kept if one in reports or json.dumps(one)[1:-1] in reports]
        assert set(canaries.kept) - set(shown) == set(), "the customer's own report shows everything"
        assert set(canaries.refused) & {one for one in canaries.refused if one in reports} == set()

        decisions = _decisions(story)
        keys = bank.wrapped_keys()
        assert len(keys) == CUSTOMERS
        assert len(found_in(files_of(bank.folder), keys)) == CUSTOMERS

        story.erase_all()
        assert bank.wrapped_keys() == []
        assert found_in(files_of(bank.folder), [*canaries.all, *keys]) == {}, "values or keys, after the erasure"
        _are_not_in(_metrics(story) + story.said(), canaries.all)
        reports = "".join(bank.report(story.customer(number), "markdown") for number in range(CUSTOMERS))
        _are_not_in(reports, canaries.all)
        assert reports.count("(erased)") > CUSTOMERS * 5

        assert _decisions(story) == decisions, "what the law wants kept, as it was"
        assert story.client.get("/suitability/v1/audit/verify")["intact"] is True
        _nothing_comes_back(story)
    again = found_in(files_of(bank.folder), [*canaries.all, *keys])
    assert again == {}, "after the end of the process"


def test_the_search_finds_them_where_nothing_is_sealed(tmp_path: Path) -> None:
    """The control."""
    bank = Bank(tmp_path / "data", TIERFLOW_PERSONAL_DATA="clear")
    with bank.running() as story:
        story.plant()
        found = found_in(files_of(bank.folder), story.canaries.kept)
        assert set(found) == set(story.canaries.kept)
        assert {"log.db", "contact-planner.db", "suitability.db"} <= {
            name.removesuffix("-wal") for names in found.values() for name in names
        }


def test_nobody_finds_a_canary_on_kafka_and_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """The production shape: the broker's segments, the cluster's files with its WAL, the services' log lines."""
    monkeypatch.setenv("TIERFLOW_ISSUER", ISSUER)
    with production({"CURRENCY": "CZK"}) as operated:
        operated.stack("up")
        with operated.client() as client:
            story = Story(client, Tokens(operated.folder / "issuer"), Canaries())
            story.plant()
            os.kill(operated.pid("events"), signal.SIGKILL)
            operated.stack("restart events")
            story.flood()
            canaries = story.canaries
            for server in ("kafka", "postgres"):  # the control: the search does find what is not sealed
                assert found_in(files_of(operated.folder / server), [PUBLIC]), (
                    f"the control: the search finds in {server}"
                )
            assert found_in(files_of(operated.folder), canaries.all) == {}
            decisions = _decisions(story)
            story.erase_all()
            assert found_in(files_of(operated.folder), canaries.all) == {}
            _are_not_in(_metrics(story) + story.said(), canaries.all)
            document = json.dumps(access_document(client, story.customer(0)), ensure_ascii=False)
            _are_not_in(document, canaries.all)
            assert document.count("(erased)") > 5
            assert _decisions(story) == decisions
            _nothing_comes_back(story)


def _metrics(story: Story) -> str:
    parts = []
    for address in story.client.endpoints.addresses():
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:
            parts.append(answer.read().decode())
    return "\n".join(parts)


def _are_not_in(said: str, canaries: list[str]) -> None:
    assert [one for one in canaries if one in said or json.dumps(one)[1:-1] in said] == []


def _decisions(story: Story) -> dict[str, Any]:
    """Each sale's decision and that it can be made again, as an auditor sees them."""
    seen: dict[str, Any] = {}
    for sale_id in story.sales:
        sale = story.client.get(f"/suitability/v1/sales/{sale_id}")
        decision_id = sale["decision_id"]
        replay = story.client.get(f"/suitability/v1/decisions/{decision_id}/replay")
        assert replay["identical"] is True, replay
        seen[sale_id] = (sale["state"], sale["decision"], replay)
    return seen


def _nothing_comes_back(story: Story) -> None:
    """An erased person's fields are refused, other facts are taken, and one person alone erases nobody."""
    personal = {"customer_id": "c-0", "kind": "person", "personal": {"name": story.canaries.refuse("again")}}
    with pytest.raises(ApiError) as refusal:
        story.send(story.event("customer.updated", personal))
    assert refusal.value.body["errors"][0]["rule"] == "erased"
    assert story.canaries.refused[-1] not in json.dumps(refusal.value.body)
    story.send(story.event("customer.updated", {"customer_id": "c-0", "kind": "person"}))
    asks = story.tokens.mint("desk-3", ["erasure:request", "erasure:approve"])
    body = {"customer_id": "c-99", "basis": "customer-request"}
    asked = story.client.post("/events/v1/erasures", body, token=asks).body
    with pytest.raises(ApiError, match="403"):
        story.client.post(f"/events/v1/erasures/{asked['id']}/confirm", {}, token=asks)
