"""A small generated bank, from its events over HTTP to tiers, contacts and a confirmed sale, in each shape."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.shapes import FOUR, KAFKA, ONE, running
from tierflow_embedded.access import Tokens
from tierflow_embedded.generate.book import Journey, customer_id, draw_book
from tierflow_embedded.generate.plan import CURRENCY, BankPlan
from tierflow_embedded.generate.questionnaire import QUESTIONNAIRE, VERSION
from tierflow_embedded.generate.stream import bank_events
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.feed import Feed, Outgoing
from tierflow_embedded.replay.reconcile import check_accounts, check_effects
from tierflow_embedded.replay.waiting import read_progress, wait_for_services
from tierflow_embedded.report.load import load_report
from tierflow_embedded.report.page import render
from tierflow_embedded.report.words import explanation
from tierflow_shared.clock import SystemClock
from tierflow_shared.web.client import ApiClient

YESTERDAY: Final = SystemClock().now().date() - timedelta(days=1)
PLAN: Final = BankPlan(seed=11, customers=64, days=600, end=YESTERDAY)
BOLD: Final = {
    "age": "31-50", "income": "200k-500k", "assets": "3m-up", "share": "10-25", "experience": "2-5",
    "products": "shares", "purpose": "growth", "horizon": "5-up", "loss": "10-30", "reaction": "wait",
}  # fmt: skip
LIMIT_S: Final = 45.0


class Bank:
    """A Tierflow that has taken the whole generated bank in."""

    def __init__(self, client: ApiClient, data_dir: Path) -> None:
        self.client, self.tokens = client, Tokens(data_dir)
        self.books = Books()
        self.feed = Feed(client, batch_events=1_000)
        for event in self.books.watch(bank_events(PLAN)):
            self.feed.send(Outgoing(event.type, event.json()))
        self.feed.flush()
        self.settle()

    def settle(self) -> None:
        wait_for_services(self.client, limit_s=LIMIT_S)

    def customers(self, journey: Journey) -> list[str]:
        return [customer_id(i) for i, kind in enumerate(draw_book(PLAN).journey.tolist()) if kind == journey]

    def tier(self, customer: str) -> Any:
        told = self.client.get(f"/scoring/v1/customers/{customer}")
        return next(standing for standing in told["tiers"] if standing["scheme"] == "private-bank")


@pytest.fixture(scope="module", params=[ONE, FOUR, KAFKA])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    data_dir = tmp_path_factory.mktemp("bank")
    environment: dict[str, str] = {}
    if request.param == KAFKA:
        environment["TIERFLOW_KAFKA_BOOTSTRAP"] = request.getfixturevalue("kafka_bootstrap")
        environment["TIERFLOW_KAFKA_PREFIX"] = f"{data_dir.name}-{os.getpid()}."
    with running(request.param, data_dir, CURRENCY, environment) as client:
        yield Bank(client, data_dir)


def test_every_event_has_its_one_effect_in_each_service(bank: Bank) -> None:
    assert bank.feed.counts.refused == []
    assert bank.feed.counts.read == bank.feed.counts.accepted
    effects = check_effects(read_progress(bank.client), bank.books.by_type)
    assert {one.service for one in effects} == {"scoring", "contact-planner", "suitability"}
    assert [one for one in effects if one.lost or one.doubled or one.refused] == []


def test_every_account_adds_up(bank: Bank) -> None:
    accounts = check_accounts(bank.client, bank.books)
    assert accounts.agrees, accounts.different


def test_the_pyramid_holds_every_customer_and_every_tier(bank: Bank) -> None:
    told = bank.client.get("/scoring/v1/pyramid", scheme="private-bank")
    counts = {row["tier"]: row["customers"] for row in told["tiers"]}
    assert sum(counts.values()) == PLAN.customers
    assert all(counts[tier] > 0 for tier in ("general", "personal", "platinum", "private"))


def test_money_that_came_and_went_moved_the_tiers(bank: Bank) -> None:
    assert {bank.tier(customer)["tier"] for customer in bank.customers(Journey.RISES_TO_PLATINUM)} == {"platinum"}
    assert {bank.tier(customer)["tier"] for customer in bank.customers(Journey.FALLS_EARLY)} == {"personal"}


def test_a_late_fall_is_a_pending_downgrade_and_a_reason_to_call(bank: Bank) -> None:
    customer = bank.customers(Journey.FALLS_LATE)[0]
    standing = bank.tier(customer)
    assert standing["tier"] == "platinum"
    assert standing["pending"]["tier"] == "personal"
    told = bank.client.get(f"/contact-planner/v1/customers/{customer}/contacts")
    assert "tier-pending" in {reason["kind"] for reason in told["due"]["reasons"]}


def test_a_manager_has_a_plan_of_the_customers_it_owns(bank: Bank) -> None:
    managers = list(bank.client.pages("/contact-planner/v1/rms"))
    assert Counter(one["customers"] > 0 for one in managers)[True] >= 5
    period = {"from": PLAN.end.isoformat(), "to": (PLAN.end + timedelta(days=6)).isoformat()}
    made = bank.client.post("/contact-planner/v1/plans", period, key="the-week").body
    assert made["contacts"] > 0
    assert made["contacts"] == sum(one["contacts"] for one in made["managers"])
    bank.settle()


def test_the_report_of_a_running_server_shows_its_bank(bank: Bank) -> None:
    report = load_report(bank.client, title="End to end", as_of=PLAN.end)
    assert report.pyramids[0].customers == PLAN.customers
    assert sum(month.down for month in report.moves) > 0
    assert report.movers[0].reasons
    assert "End to end" in render(report)


def test_a_tier_is_explained_in_words(bank: Bank) -> None:
    customer = bank.customers(Journey.FALLS_LATE)[0]
    told = "\n".join(explanation(bank.client.get(f"/scoring/v1/customers/{customer}")))
    assert "platinum" in told
    assert "pending" in told


def test_a_customer_s_sale_is_decided_documented_and_only_then_confirmed(bank: Bank) -> None:
    customer = next(one for one in bank.customers(Journey.RISES_TO_PRIVATE) if _can_buy(bank, one))
    token = bank.tokens.mint(customer, ["assessments:write", "sales:write"], customer=customer)
    answers = {"questionnaire": QUESTIONNAIRE, "version": VERSION, "answers": BOLD}
    assessed = bank.client.post(f"/suitability/v1/customers/{customer}/assessments", answers, token=token, key="once")
    assert assessed.body["level"] == 4

    sale = _request(bank, customer, token, "wealth-steady")
    assert sale["state"] == "needs-evidence"
    assert {"disclosure", "match-opinion"} <= set(sale["needs"])
    for kind in sale["needs"]:
        document = {"kind": kind, "reference": f"doc/{kind}", "recorded_at": _now()}
        sale = bank.client.post(f"/suitability/v1/sales/{sale['sale_id']}/evidence", document).body
    assert sale["state"] == "approved"
    confirmed = bank.client.post(
        f"/suitability/v1/sales/{sale['sale_id']}/confirm", {"decision_id": sale["decision_id"]}, token=token
    ).body
    assert confirmed["state"] == "confirmed"

    blocked = _request(bank, customer, token, "trust-growth")
    assert (blocked["state"], blocked["closed_reason"]) == ("rejected", "blocked")
    objections = {
        one["rule_id"]: one["article"] for one in blocked["decision"]["findings"] if one["verdict"] == "block"
    }
    assert "12" in objections["cn-nfra.level-match"]
    bank.settle()


def _can_buy(bank: Bank, customer: str) -> bool:
    """Due diligence of some customers has run out; theirs would be another story."""
    contacts = bank.client.get(f"/contact-planner/v1/customers/{customer}/contacts")
    kinds = {reason["kind"] for reason in (contacts["due"] or {"reasons": []})["reasons"]}
    return not any(kind.startswith("kyc") for kind in kinds)


def _request(bank: Bank, customer: str, token: str, product: str) -> Any:
    body = {
        "customer_id": customer,
        "product_id": product,
        "amount": {"value": "1000000", "currency": CURRENCY},
        "initiated_by": "customer",
        "channel": "mobile",
    }
    return bank.client.post("/suitability/v1/sales", body, token=token, key=f"{customer}-{product}").body


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
