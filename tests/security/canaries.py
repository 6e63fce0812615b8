"""A bank whose customers' personal values are canaries: each is unique text that can be searched for byte by byte."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from tests.integration.suitability.facts import BALANCED_ANSWERS
from tierflow_embedded.access import Tokens
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.clock import SystemClock
from tierflow_shared.web.client import SERVICES, ApiClient, ApiError, UnreachableError

CUSTOMERS: Final = 16
TODAY: Final = SystemClock().now().date()
YESTERDAY: Final = TODAY - timedelta(days=1)
EVENT: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
WITHIN_S: Final = 120.0
_BEGINNING: Final = 7  # bytes, all ASCII
PUBLIC: Final = "Canary-public: the name of a product, which the search must find"


@dataclass
class Canaries:
    """Makes values and remembers them: those that lie somewhere, and those that were refused everywhere."""

    kept: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def keep(self, what: str) -> str:
        self.kept.append(f"Canary-{len(self.kept):04d}-kept {what} Nováková")
        return self.kept[-1]

    def refuse(self, what: str) -> str:
        self.refused.append(f"Canary-{len(self.refused):04d}-refused-{what}")
        return self.refused[-1]

    def birthday(self) -> str:
        """A day on which nothing else in the story happens."""
        day = (date(1931, 3, 1) + timedelta(days=37 * len(self.kept))).isoformat()
        self.kept.append(day)
        return day

    @property
    def all(self) -> list[str]:
        return self.kept + self.refused


def found_in(files: Iterable[Path], canaries: Iterable[str | bytes]) -> dict[str, list[str]]:
    """The canaries that stand in these files, as UTF-8 or as JSON escapes, with the names of the files."""
    needles: dict[bytes, dict[bytes, str]] = {}  # by how they begin: most files hold no such beginning
    for one in canaries:
        raw = one if isinstance(one, bytes) else one.encode()
        needles.setdefault(raw[:_BEGINNING], {})[raw] = one if isinstance(one, str) else repr(one)
        if isinstance(one, str):
            needles[raw[:_BEGINNING]][json.dumps(one)[1:-1].encode()] = one
    found: dict[str, list[str]] = {}
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # a server has tidied it away between the listing and now
        for beginning, some in needles.items():
            if beginning in content:
                for needle, name in some.items():
                    if needle in content:
                        found.setdefault(name, []).append(path.name)
    return found


def files_of(*folders: Path) -> Iterator[Path]:
    """Every file below the folders."""
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


class Story:
    """Plants canaries by every door, and keeps everything that was answered to a mistake."""

    def __init__(self, client: ApiClient, tokens: Tokens, canaries: Canaries) -> None:
        self.client, self.tokens, self.canaries = client, tokens, canaries
        self.problems: list[str] = []
        self.contacts: list[str] = []
        self.sales: list[str] = []
        self._number = 0

    def customer(self, number: int) -> str:
        return f"c-{number}"

    def event(self, kind: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
        self._number += 1
        return {
            "specversion": "1.0", "id": f"e-{self._number}", "source": "/core", "type": f"bank.{kind}.v1",
            "time": f"{YESTERDAY}T08:00:00.{self._number:06d}Z", "data": data, **changes,
        }  # fmt: skip

    def send(self, *events: dict[str, Any]) -> None:
        self.client.post("/events/v1/events", list(events), content_type=BATCH)

    def fails(self, method: str, path: str, body: Any, *, content_type: str = "application/json", **more: Any) -> None:
        """A call that is refused; what was answered is kept for the search."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            headers = {"Content-Type": content_type, **more.pop("headers", {})}
            answer = self.client.call(method, path, content=content, headers=headers, **more)
        except ApiError as error:
            self.problems.append(json.dumps(error.body, ensure_ascii=False))
        else:
            raise AssertionError(f"{method} {path} was taken: {answer.body}")

    def as_customer(self, number: int) -> str:
        name = self.customer(number)
        return self.tokens.mint(name, ["assessments:write", "assessments:read"], customer=name)

    def plant(self) -> None:
        """Everything of one bank's day, failures included."""
        self.reference()
        for number in range(CUSTOMERS):
            self.send(*self.facts_of(number))
        self.bad_events()
        wait_for_services(self.client, limit_s=WITHIN_S)
        self.dead_letters()
        for number in range(0, CUSTOMERS, 2):
            self.sell(number)
        self.contact()
        self.bad_bodies()
        wait_for_services(self.client, limit_s=WITHIN_S)

    def reference(self) -> None:
        product = {
            "product_id": "p-1", "name": PUBLIC, "category": "wealth", "issuer_risk_level": 2,
            "seller_risk_level": 2, "currency": "CZK", "on_sale_from": "2020-01-01",
            "large_amount": {"value": "50000", "currency": "CZK"},
        }  # fmt: skip
        manager = {"rm_id": "rm-1", "role": "personal", "region": "CZ"}
        self.send(self.event("product.updated", product), self.event("rm.updated", manager))

    def facts_of(self, number: int) -> list[dict[str, Any]]:
        customer, new = self.customer(number), self.canaries.keep
        personal = {
            "name": new("name"), "birth_date": self.canaries.birthday(), "phone": new("phone"),
            "email": new("email"), "notes": new("notes"),
        }  # fmt: skip
        profile = {"customer_id": customer, "kind": "person", "rm_id": "rm-1", "personal": personal}
        account = {
            "account_id": f"a-{number}", "customer_id": customer, "kind": "current", "currency": "CZK",
            "opened_on": "2020-01-01",
        }  # fmt: skip
        status = "verified" if number % 2 == 0 else "missing"
        kyc = {"customer_id": customer, "status": status, "effective_on": "2020-01-01", "basis": new("basis")}
        booking = {
            "transaction_id": f"t-{number}", "customer_id": customer, "account_id": f"a-{number}",
            "amount": {"value": "2000.00", "currency": "CZK"}, "direction": "credit",
            "booking_date": YESTERDAY.isoformat(), "channel": "branch", "purpose": "transfer",
        }  # fmt: skip
        income = {"value": "900000", "currency": "CZK"}
        return [
            self.event("customer.updated", {**profile, "region": new("region"), "yearly_income": income}),
            self.event("account.opened", account),
            self.event("kyc.updated", kyc),
            self.event("transaction.posted", {**booking, "counterparty_bank": new("counterparty")}),
            self.event("transaction.reversed", {**booking, "reversed_on": YESTERDAY.isoformat(), "reason": new("why")}),
            self.event("transaction.posted", {**booking, "transaction_id": f"u-{number}"}, subject="-".join(
                ["Canary", "subject", str(number)])),
        ]  # fmt: skip

    def bad_events(self) -> None:
        """Bad batches, conflicts, and events that a service cannot take."""
        bad, path = self.canaries.refuse, "/events/v1/events"
        profile = {"customer_id": "c-0", "kind": "person"}
        updated = lambda data, **more: self.event("customer.updated", data, **more)  # noqa: E731
        batches: list[list[dict[str, Any]]] = [
            [updated({**profile, "personal": {"name": bad("too-long") * 9}})],
            [updated({**profile, bad("unknown-field"): 1})],
            [updated({**profile, "personal": {bad("unknown-inner"): "x"}})],
            [updated({**profile, "kind": bad("enum")})],
            [updated({**profile, "personal": {"birth_date": bad("date")}})],
            [updated({**profile, "personal": {"phone": bad("nul") + "\0"}})],
            [updated({**profile, "sealed": {"personal.name": bad("sealed")}})],
            [updated({**profile, "yearly_income": {"value": bad("money"), "currency": "CZK"}})],
            [updated(profile, time=bad("time"))],
            [updated(profile, type=bad("type"))],
            [updated(profile, **{bad("attribute"): "x"})],
            [self.event("customer.updated", {**profile, "personal": {"name": bad("conflict")}}, id="e-3")],
        ]
        for batch in batches:
            self.fails("POST", path, batch, content_type=BATCH)
        self.fails("POST", path, f'{{"data": "{bad("torn")}'.encode(), content_type=EVENT)
        self.fails("POST", path, f'[{{"x": "{bad("latin")}\xff"}}]'.encode("latin-1"), content_type=BATCH)
        self.fails("POST", path, [], content_type=f"text/{bad('media')}"[:60])
        dollars = {
            "transaction_id": "t-usd", "customer_id": "c-1", "account_id": "a-1", "direction": "credit",
            "amount": {"value": "3.00", "currency": "USD"}, "booking_date": YESTERDAY.isoformat(),
            "channel": "branch", "purpose": "transfer", "counterparty_bank": self.canaries.keep("dead-letter"),
        }  # fmt: skip
        self.send(self.event("transaction.posted", dollars))

    def dead_letters(self) -> None:
        """Corrections with personal values, refused and accepted."""
        (letter,) = [one for one in self.client.pages("/events/v1/dead-letters") if one["reason"] == "no-rate"]
        path = f"/events/v1/dead-letters/{letter['id']}/fix"
        wrong = {"changes": {"purpose": self.canaries.refuse("fix")}}
        self.fails("POST", path, wrong)
        right = {"amount": {"currency": "CZK"}, "counterparty_bank": self.canaries.keep("fixed counterparty")}
        self.client.post(path, {"changes": right})

    def sell(self, number: int) -> None:
        """A questionnaire, and a sale so large that somebody has to give a reason."""
        customer, token = self.customer(number), self.as_customer(number)
        path = f"/suitability/v1/customers/{customer}/assessments"
        answers = {"questionnaire": "cn-retail", "version": "2026.1", "answers": BALANCED_ANSWERS}
        for bad in (
            {**answers, "answers": {**BALANCED_ANSWERS, "age": self.canaries.refuse("answer")}},
            {**answers, "questionnaire": self.canaries.refuse("questionnaire")},
        ):
            self.fails("POST", path, bad, token=token, headers={"Idempotency-Key": f"bad-{len(self.problems)}"})
        self.client.post(path, answers, token=token, key=f"answers-{number}")
        moment = f"{YESTERDAY}T09:00:00Z"
        body = {
            "customer_id": customer, "product_id": "p-1", "amount": {"value": "60000", "currency": "CZK"},
            "initiated_by": "customer", "channel": "mobile",
            "evidence": [
                {"kind": kind, "reference": f"doc-{kind}", "recorded_at": moment}
                for kind in ("disclosure", "match-opinion", "special-care")
            ],
        }  # fmt: skip
        sale = self.client.post("/suitability/v1/sales", body, key=f"sale-{number}").body
        assert sale["state"] == "referred", sale
        self.sales.append(sale["sale_id"])
        verdict = "approve" if number % 4 == 0 else "decline"
        opinion = {"decision_id": sale["decision_id"], "verdict": verdict, "reason": self.canaries.keep("reason")}
        head = self.tokens.mint("head", ["sales:approve"])
        self.client.post(f"/suitability/v1/sales/{sale['sale_id']}/approvals", opinion, token=head)
        late = {**opinion, "reason": self.canaries.refuse("late-reason")}
        other = self.tokens.mint("other", ["sales:approve"])
        self.fails("POST", f"/suitability/v1/sales/{sale['sale_id']}/approvals", late, token=other)

    def contact(self) -> None:
        """Notes of a relationship manager about the customers whose due diligence is missing."""
        period = {"from": TODAY.isoformat(), "to": (TODAY + timedelta(days=13)).isoformat(), "rm_id": "rm-1"}
        self.client.post("/contact-planner/v1/plans", period, key="plan")
        query = {"from": period["from"], "to": period["to"]}
        plan = self.client.call("GET", "/contact-planner/v1/rms/rm-1/plan", params=query).body
        contacts = [one for day in plan["days"] for one in day["contacts"]]
        assert len(contacts) >= CUSTOMERS // 2, plan
        for number, contact in enumerate(contacts):
            path = f"/contact-planner/v1/contacts/{contact['contact_id']}/outcome"
            told = {"outcome": "reached", "note": self.canaries.keep("note"), "satisfaction": 4}
            self.client.post(path, told, key=f"outcome-{number}")
            self.client.post(path, told, key=f"outcome-{number}")  # answered again from what was remembered
            other = {**told, "note": self.canaries.refuse("other-note")}
            self.fails("POST", path, other, headers={"Idempotency-Key": f"outcome-{number}"})
            self.contacts.append(contact["contact_id"])

    def bad_bodies(self) -> None:
        """Bodies, paths and queries that are refused."""
        bad = self.canaries.refuse
        self.fails("POST", "/suitability/v1/sales", {"customer_id": bad("sale"), bad("field"): 1})
        self.fails("POST", "/contact-planner/v1/plans", {"from": bad("from"), "to": bad("to")})
        self.fails("PUT", "/suitability/v1/products/p-2", {"name": bad("product"), "colour": bad("colour")})
        self.fails("POST", "/events/v1/erasures", {"customer_id": bad("erasure") + " x", "basis": bad("basis")})
        self.fails("GET", f"/scoring/v1/customers/{bad('path')}", b"")
        self.fails("GET", f"/scoring/v1/pyramid?scheme={bad('query')}", b"")
        self.fails("GET", f"/{bad('nowhere')}", b"")
        self.fails("GET", "/scoring/v1/pyramid", b"", token=bad("token"))

    def flood(self) -> None:
        """Profiles until the server is away; each that was answered is known, the others may or may not be there."""
        try:
            for number in range(CUSTOMERS):
                self.send(self.event("customer.updated", {
                    "customer_id": self.customer(number), "kind": "person", "rm_id": "rm-1",
                    "personal": {"notes": self.canaries.keep("crash")},
                }))  # fmt: skip
        except UnreachableError:
            pass

    def erase_all(self) -> None:
        """Two people erase everybody."""
        asks, confirms = (self.tokens.mint(who, [what]) for who, what in (
            ("desk-3", "erasure:request"), ("privacy-1", "erasure:approve")))  # fmt: skip
        for number in range(CUSTOMERS):
            body = {"customer_id": self.customer(number), "basis": "customer-request"}
            asked = self.client.post("/events/v1/erasures", body, token=asks).body
            self.client.post(f"/events/v1/erasures/{asked['id']}/confirm", {}, token=confirms)
        self.wait_for_erasures()

    def wait_for_erasures(self) -> None:
        """Until the events service, the planner and suitability have heard of all of them."""
        deadline = time.monotonic() + WITHIN_S
        for service in ("events", "contact-planner", "suitability"):
            while sum(self.heard(service).values()) < CUSTOMERS:
                assert time.monotonic() < deadline, service
        wait_for_services(self.client, limit_s=WITHIN_S)

    def heard(self, service: str) -> dict[str, int]:
        told = self.client.get(f"/{service}/v1/progress")["consumption"]
        return dict(told.get("tierflow.customer.erased.v1", {}))

    def said(self) -> str:
        """All that can be looked at without asking for a person's data: metrics, letters, progress, plans, reports."""
        plan = {"from": TODAY.isoformat(), "to": (TODAY + timedelta(days=13)).isoformat()}
        parts: list[Any] = [
            *self.client.pages("/events/v1/dead-letters"),
            *(self.client.get(f"/{name}/v1/progress") for name in SERVICES),
            self.client.call("GET", "/contact-planner/v1/rms/rm-1/plan", params=plan).body,
            *self.client.pages("/suitability/v1/sales"),
        ]
        letters = [one["id"] for one in parts if "event_source" in one]
        parts += [self.client.get(f"/events/v1/dead-letters/{one}") for one in letters]
        return "\n".join([*self.problems, *(json.dumps(part, ensure_ascii=False) for part in parts)])
