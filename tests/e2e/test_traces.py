"""One trace id from a request to everything that came of it, as an OTLP receiver gets it, over HTTP and Kafka."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.e2e import docs_bank
from tests.e2e.test_one_bank_two_shapes import BOLD
from tests.otlp import ReceivedSpan, Receiver
from tierflow_embedded.access import Tokens
from tierflow_embedded.envelope import BATCH_CONTENT_TYPE
from tierflow_embedded.generate.questionnaire import QUESTIONNAIRE, VERSION
from tierflow_embedded.process import ServerProcess
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.web.client import ApiClient, Endpoints

READY_WITHIN_S: Final = 240.0
CALLER: Final = "b" * 16
WEEK: Final = {"from": docs_bank.DAY, "to": "2026-03-08", "rm_id": "rm-1"}
NAMES: Final = r"(GET|POST|PUT) /[a-z0-9_{}/-]+|(process|send) [a-z.-]+|[a-z]+ (contact|sale)"
ATTRIBUTES: Final = {
    "http.request.method": r"GET|POST|PUT",
    "http.route": r"/[a-z-]+/v1/[a-z_{}/-]+",
    "http.response.status_code": r"\d{3}",
    "messaging.operation.type": r"process|send",
    "messaging.destination.name": r"(bank|tierflow)\.[a-z-]+",
    "messaging.batch.message_count": r"\d+",
    "messaging.consumer.group.name": r"events|scoring|contact-planner|suitability",
}


class TracedBank:
    """The docs' small bank on Kafka. Nothing is sampled but what a caller has sampled."""

    def __init__(self, client: ApiClient, receiver: Receiver, tokens: Tokens) -> None:
        self.client, self.receiver, self.tokens = client, receiver, tokens

    def settle(self) -> None:
        wait_for_services(self.client, limit_s=45)

    def post(self, path: str, body: Any, trace: str = "", *, as_customer: str = "", flags: str = "01") -> Any:
        """A POST in a caller's trace, or in none."""
        headers = {"Content-Type": "application/json"}
        if path.endswith("/events"):
            headers["Content-Type"] = BATCH_CONTENT_TYPE
        if trace:
            headers["traceparent"] = f"00-{trace}-{CALLER}-{flags}"
        scopes = ["assessments:write", "sales:write"]
        token = self.tokens.mint(as_customer, scopes, customer=as_customer) if as_customer else None
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.call("POST", path, content=content, headers=headers, token=token).body


@pytest.fixture(scope="module")
def bank(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TracedBank]:
    data_dir = tmp_path_factory.mktemp("traced")
    with Receiver() as receiver:
        environment = {
            "TIERFLOW_KAFKA_BOOTSTRAP": kafka_bootstrap,
            "TIERFLOW_KAFKA_PREFIX": f"{data_dir.name}-{os.getpid()}.",
            "TIERFLOW_OTLP_ENDPOINT": receiver.url,
            "TIERFLOW_TRACE_RATIO": "0",
        }
        server = ServerProcess(data_dir, "--currency", "CNY", environment=environment)
        endpoints = Endpoints.parse(server.url)
        with ExitStack() as stack:
            stack.callback(server.stop)
            server.start(ready_within_s=READY_WITHIN_S)
            client = stack.enter_context(ApiClient(endpoints, Tokens(data_dir).tool, patience_s=20))
            bank = TracedBank(client, receiver, Tokens(data_dir))
            for some in (docs_bank.reference(), docs_bank.customers()):
                bank.post("/events/v1/events", docs_bank.batch(some))
            bank.settle()
            bank.post("/events/v1/business-date", {"business_date": docs_bank.DAY})
            bank.settle()
            yield bank


def _named(spans: list[ReceivedSpan]) -> dict[tuple[str, str], ReceivedSpan]:
    return {(span.service, span.name): span for span in spans}


def _payment(number: int) -> dict[str, Any]:
    paid = {
        "transaction_id": f"t-{number}", "customer_id": "c-1", "account_id": "a-1",
        "amount": {"value": "20000.00", "currency": "CNY"}, "direction": "credit", "booking_date": docs_bank.DAY,
        "channel": "mobile", "purpose": "transfer",
    }  # fmt: skip
    return {
        "specversion": "1.0", "id": f"t-{number}", "source": "/core", "type": "bank.transaction.posted.v1",
        "time": f"{docs_bank.DAY}T10:15:00Z", "data": paid,
    }  # fmt: skip


def test_one_trace_from_a_payment_to_the_manager_s_plan(bank: TracedBank) -> None:
    paid, planned = "1" * 32, "2" * 32
    bank.post("/events/v1/events", [_payment(1)], paid)
    bank.settle()
    assert bank.post("/contact-planner/v1/plans", WEEK, planned)["contacts"] > 0
    plan = bank.client.get("/contact-planner/v1/rms/rm-1/plan", **{"from": WEEK["from"], "to": WEEK["to"]})
    contacts = [contact for day in plan["days"] for contact in day["contacts"] if contact["customer_id"] == "c-1"]
    assert "tier-up" in {reason["kind"] for contact in contacts for reason in contact["reasons"]}

    last = ("contact-planner", "send tierflow.contacts")
    spans = _named(
        bank.receiver.wait_for(lambda some: {last, ("scoring", "send tierflow.tiers")} <= {*_named(some)}, paid)
    )
    posted = spans["events", "POST /events/v1/events"]
    scored = spans["scoring", "process bank.events"]
    learned = spans["contact-planner", "process tierflow.tiers"]
    told = spans["contact-planner", "plan contact"]
    assert (posted.parent, posted.kind) == (CALLER, "server")
    assert (scored.parent, scored.kind) == (posted.id, "consumer")
    assert spans["scoring", "send tierflow.tiers"].parent == scored.id
    assert learned.parent == scored.id
    assert told.parent == spans[last].parent == learned.id
    assert not any(span.failed for span in spans.values())
    request = _named(bank.receiver.wait_for(lambda some: len(some) >= 1, planned))[
        "contact-planner", "POST /contact-planner/v1/plans"
    ]
    assert told.links == ((planned, request.id),)


def test_one_trace_from_a_sale_to_its_confirmation(bank: TracedBank) -> None:
    asked, confirmed = "3" * 32, "4" * 32
    answers = {"questionnaire": QUESTIONNAIRE, "version": VERSION, "answers": BOLD}
    bank.post("/suitability/v1/customers/c-1/assessments", answers, as_customer="c-1")
    wanted = {
        "customer_id": "c-1", "product_id": "wealth-r2", "amount": {"value": "50000.00", "currency": "CNY"},
        "initiated_by": "customer", "channel": "mobile",
    }  # fmt: skip
    sale = bank.post("/suitability/v1/sales", wanted, asked, as_customer="c-1")
    here = f"/suitability/v1/sales/{sale['sale_id']}"
    for kind in sale["needs"]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sale = bank.post(f"{here}/evidence", {"kind": kind, "reference": f"doc/{kind}", "recorded_at": now})
    assert sale["state"] == "approved"
    done = bank.post(f"{here}/confirm", {"decision_id": sale["decision_id"]}, confirmed, as_customer="c-1")
    assert done["state"] == "confirmed"
    bank.settle()

    def complete(some: list[ReceivedSpan]) -> bool:
        return "confirm sale" in {one.name for one in some} and _count(some, "process tierflow.sales") >= 2

    spans = bank.receiver.wait_for(complete, asked)
    posted, step = (
        _named(spans)["suitability", "POST /suitability/v1/sales"],
        _named(spans)["suitability", "confirm sale"],
    )
    assert (posted.parent, step.parent) == (CALLER, posted.id)
    assert {one.service for one in spans if one.name == "process tierflow.sales"} == {"contact-planner"}
    assert {one.parent for one in spans if one.name.endswith("tierflow.sales")} == {posted.id}
    (request,) = bank.receiver.wait_for(lambda some: len(some) >= 1, confirmed)
    assert request.name == "POST /suitability/v1/sales/{sale_id}/confirm"
    assert step.links == ((confirmed, request.id),)


def _count(spans: list[ReceivedSpan], name: str) -> int:
    return sum(span.attributes["messaging.batch.message_count"] for span in spans if span.name == name)


def test_what_nobody_samples_leaves_no_span_and_spans_carry_nothing_personal(bank: TracedBank) -> None:
    unsampled, sampled = "5" * 32, "6" * 32
    bank.post("/events/v1/events", [_payment(2)], unsampled, flags="00")
    named = {"customer_id": "c-1", "kind": "person", "rm_id": "rm-1", "personal": {"name": "Vratislava Canaryová"}}
    event = {**_payment(3), "id": "named", "type": "bank.customer.updated.v1", "data": named}
    bank.post("/events/v1/events", [event], sampled)
    bank.settle()
    bank.receiver.wait_for(lambda some: _count(some, "process bank.events") >= 3, sampled)
    seen = list(bank.receiver.spans)
    assert unsampled not in {span.trace for span in seen}
    assert {span.trace[0] for span in seen} <= set("12346"), "only what a caller has sampled"
    for span in seen:
        assert _only_known(span.attributes), span
        assert re.fullmatch(
            r"(GET|POST|PUT) /[a-z0-9_{}/-]+|(process|send) [a-z.-]+|[a-z]+ (contact|sale)", span.name
        ), span


def _only_known(attributes: Mapping[str, str | int]) -> bool:
    return all(name in ATTRIBUTES and re.fullmatch(ATTRIBUTES[name], str(value)) for name, value in attributes.items())
