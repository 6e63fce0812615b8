"""A small bank with two of everything: what belongs to the caller, and what belongs to somebody else."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import httpx
import msgspec

from tests.security.tokens import Forger
from tierflow_embedded.host import Host
from tierflow_embedded.server import ServeOptions, build_host
from tierflow_shared.clock import ManualClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

NOW: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY, WEEK_END = "2026-03-02", "2026-03-08"
OWN, FOREIGN, UNKNOWN = "own", "foreign", "unknown"
WHO: Final = (OWN, FOREIGN)
TAKEN_WITHIN_S: Final = 30
SOURCE: Final = "/world"


@dataclass
class World:
    """The running services, a client without a token, and the ids of what lies in them by whose they are."""

    host: Host
    http: httpx.AsyncClient
    issuer: EmbeddedIssuer
    forger: Forger
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: Any = None
    policy_version: str = ""
    _tokens: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def token(
        self, scopes: frozenset[str], subject: str = "tester", customer: str | None = None, rm: str | None = None
    ) -> str:
        """A good token; the same one for the same question."""
        asked = (scopes, subject, customer, rm)
        if asked not in self._tokens:
            self._tokens[asked] = self.issuer.mint(subject, scopes, timedelta(hours=8), customer, rm=rm)
        return self._tokens[asked]

    async def call(self, method: str, path: str, body: Any = None, *, expect: int, **who: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token(ALL_SCOPES, **who)}"}
        if isinstance(body, bytes):
            headers["content-type"] = "application/cloudevents-batch+json"
            answer = await self.http.request(method, path, content=body, headers=headers)
        else:
            answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def caught_up(self) -> None:
        """Returns when each service has read what it reads and has said what it had to say."""
        async with asyncio.timeout(TAKEN_WITHIN_S):
            while not all([await self._at_the_end(name) for name in self.host.services]):
                pass

    async def _at_the_end(self, service: str) -> bool:
        progress = await self.call("GET", f"/{service}/v1/progress", expect=200)
        topics = (await self.call("GET", "/events/v1/log", expect=200))["topics"]
        ends = {f"{topic}/{row['partition']}": row["end"] for topic, rows in topics.items() for row in rows}
        behind = any(offset < ends[place] for place, offset in progress["positions"].items())
        return bool(progress["positions"]) and not behind and progress["outbox"] == 0


def event(kind: str, event_id: str, data: dict[str, Any], day: str = "2025-06-02") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": SOURCE, "type": f"bank.{kind}.v1",
        "time": f"{day}T08:00:00Z", "data": data,
    }  # fmt: skip


def facts() -> Iterator[dict[str, Any]]:
    """Two managers with one customer each, a product, and for each customer a booking that nobody can take."""
    product = {
        "product_id": "p-own", "name": "Steady", "category": "wealth", "issuer_risk_level": 1, "seller_risk_level": 1,
        "currency": "CNY", "on_sale_from": "2025-01-01",
    }  # fmt: skip
    yield event("product.updated", "p-own", product)
    for who in WHO:
        qualified = [{"category": "wealth", "valid_until": "2099-12-31"}]
        manager = {"rm_id": f"rm-{who}", "role": "platinum", "region": "CN", "qualifications": qualified}
        yield event("rm.updated", f"rm-{who}", manager)
    for who in WHO:
        yield from _customer(f"c-{who}", f"rm-{who}")


def _customer(customer: str, rm: str) -> Iterator[dict[str, Any]]:
    since = "2025-06-02"
    profile = {"customer_id": customer, "kind": "person", "rm_id": rm, "relationship_since": since}
    yield event("customer.updated", f"{customer}-1", {**profile, "personal": {"birth_date": "1980-05-17"}})
    verified = {"customer_id": customer, "status": "verified", "effective_on": since, "valid_until": "2099-12-31"}
    yield event("kyc.updated", f"{customer}-2", verified)
    opened = {"account_id": f"a-{customer}", "customer_id": customer, "kind": "current", "currency": "CNY"}
    yield event("account.opened", f"{customer}-3", {**opened, "opened_on": since})
    for channel in ("phone", "app"):
        for purpose in ("service", "sale"):
            consent = {"customer_id": customer, "channel": channel, "purpose": purpose, "granted": True}
            yield event("consent.updated", f"{customer}-{channel}-{purpose}", {**consent, "effective_on": since})
    for currency in ("CNY", "USD"):  # without a rate a booking in dollars becomes a dead letter
        posted = {
            "transaction_id": f"t-{customer}-{currency}", "customer_id": customer, "account_id": f"a-{customer}",
            "amount": {"value": "1500000.00", "currency": currency}, "direction": "credit",
            "booking_date": "2026-02-27", "channel": "branch", "purpose": "transfer",
        }  # fmt: skip
        yield event("transaction.posted", f"{customer}-{currency}", posted, "2026-02-27")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """The bank, running in this process until the block ends."""
    clock = ManualClock(NOW)
    options = ServeOptions(folder, currency="CNY")
    # Thousands of bad tokens come from one address here; how often an address may fail is tested on its own.
    with patch.dict(os.environ, {"TIERFLOW_CLIENT_STRANGER_RATE": "0"}):
        host = build_host(options, clock)
    settings = ServiceSettings(data_dir=folder)
    transport = httpx.ASGITransport(host)  # type: ignore[arg-type]
    async with _running(host), httpx.AsyncClient(transport=transport, base_url="http://bank") as http:
        issuer = EmbeddedIssuer.of(settings, clock)
        world = World(host, http, issuer, Forger.of(folder, clock, settings))
        await _fill(world)
        yield world


@asynccontextmanager
async def _running(host: Host) -> AsyncIterator[None]:
    """The host as a server runs it: it starts, and is told to stop at the end."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    told.put_nowait({"type": "lifespan.startup"})
    life = asyncio.create_task(host({"type": "lifespan"}, told.get, said.put))  # type: ignore[arg-type]
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        told.put_nowait({"type": "lifespan.shutdown"})
        await life


async def _fill(world: World) -> None:
    await world.call("POST", "/events/v1/events", msgspec.json.encode(list(facts())), expect=202)
    await world.caught_up()
    await world.call("POST", "/events/v1/business-date", {"business_date": DAY}, expect=200)
    await world.caught_up()
    both = (*WHO, UNKNOWN)
    ids: dict[str, dict[str, str]] = {name: {who: f"{short}-{who}" for who in both} for name, short in SHORT.items()}
    ids["product_id"][FOREIGN] = ids["product_id"][OWN]
    form = (await world.call("GET", "/suitability/v1/questionnaires", expect=200))["items"][0]
    answers = {one["question_id"]: one["options"][-1]["option_id"] for one in form["questions"]}
    world.answers = {"questionnaire": form["questionnaire"], "version": form["version"], "answers": answers}
    policies = (await world.call("GET", "/scoring/v1/policies", expect=200))["items"]
    world.policy_version = next(one["version"] for one in policies if one["scheme"] == "private-bank")
    await world.call("POST", "/contact-planner/v1/plans", {"from": DAY, "to": WEEK_END}, expect=200)
    letters = (await world.call("GET", "/events/v1/dead-letters", expect=200))["items"]
    for who in WHO:
        customer = f"c-{who}"
        path = f"/suitability/v1/customers/{customer}/assessments"
        assessed = await world.call("POST", path, world.answers, expect=201, subject=customer, customer=customer)
        ids["assessment_id"][who] = assessed["assessment_id"]
        sold = await world.call("POST", "/suitability/v1/sales", sale(customer), expect=201, subject=customer)
        ids["sale_id"][who], ids["decision_id"][who] = sold["sale_id"], sold["decision_id"]
        contacts = await world.call("GET", f"/contact-planner/v1/customers/{customer}/contacts", expect=200)
        ids["contact_id"][who] = contacts["items"][0]["contact_id"]
        ids["letter_id"][who] = next(one["id"] for one in letters if one["key"] == customer)
    gone = {"customer_id": "c-gone", "basis": "customer-request"}
    erasure = await world.call("POST", "/events/v1/erasures", gone, expect=201, subject="desk")
    ids["erasure_id"] = dict.fromkeys(both, erasure["id"])
    world.ids = ids
    await world.caught_up()


SHORT: Final = {
    "customer_id": "c", "rm_id": "rm", "product_id": "p", "sale_id": "sale", "decision_id": "decision",
    "assessment_id": "assessment", "contact_id": "contact", "letter_id": "dl",
}  # fmt: skip


def sale(customer: str) -> dict[str, Any]:
    return {
        "customer_id": customer, "product_id": "p-own", "amount": {"value": "50000.00", "currency": "CNY"},
        "initiated_by": "customer", "channel": "mobile",
    }  # fmt: skip
