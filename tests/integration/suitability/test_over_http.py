"""Every documented answer of the routes, on the running service."""

from datetime import timedelta
from typing import Any

import pytest

from tests.databases import ON_SQLITE
from tests.integration.suitability import facts
from tests.integration.suitability.bank import Bank
from tierflow_shared.web.scopes import ALL_SCOPES
from tierflow_suitability.api import examples
from tierflow_suitability.api.models import DecisionOut, SaleOut, SalesPage

pytestmark = pytest.mark.anyio


async def ready(bank: Bank, **product: Any) -> None:
    """A known and assessed customer and a product."""
    await bank.tell(facts.customer(), facts.kyc(), facts.product(**product), facts.adviser())
    await bank.post("/customers/c-1/assessments", facts.answers(), by="c-1", customer="c-1", expect=201)


async def requested(bank: Bank, key: str = "k-1", **changes: Any) -> Any:
    return await bank.post("/sales", facts.sale_body(**changes), key=key, expect=201)


async def problem(bank: Bank, method: str, path: str, body: object = None, **kwargs: Any) -> dict[str, Any]:
    response = await bank.call(method, path, body, **kwargs)
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    return found


async def test_evidence_arrives_and_the_sale_is_approved(bank: Bank) -> None:
    """Needs evidence, gets it piece by piece, says what is still missing."""
    await ready(bank)
    sale = await requested(bank, evidence=[])
    assert (sale["state"], sale["needs"]) == ("needs-evidence", ["disclosure", "match-opinion"])
    path = f"/sales/{sale['sale_id']}"
    once = await bank.post(f"{path}/evidence", facts.document("disclosure"), by="clerk", expect=200)
    assert once["needs"] == ["match-opinion"]
    assert once["evidence"][0]["submitted_by"] == "clerk"
    done = await bank.post(f"{path}/evidence", facts.document("match-opinion"), by="clerk", expect=200)
    assert done["state"] == "approved"
    again = await bank.post(f"{path}/evidence", facts.document("match-opinion"), by="clerk", expect=200)
    assert again == done


async def test_a_large_amount_needs_a_second_person(bank: Bank) -> None:
    """The requester cannot approve; the head can; only then it is confirmed."""
    await ready(bank, large_amount=facts.money("50000"))
    sale = await requested(bank)
    assert sale["state"] == "referred"
    path, approval = (
        f"/sales/{sale['sale_id']}",
        {"decision_id": sale["decision_id"], "verdict": "approve", "reason": "ok"},
    )
    own = await problem(bank, "POST", f"{path}/approvals", approval, expect=403)
    assert own["errors"][0]["rule"] == "four-eyes"
    await problem(bank, "POST", f"{path}/approvals", approval, by="c-1", customer="c-1", expect=403)
    early = await problem(bank, "POST", f"{path}/confirm", {"decision_id": sale["decision_id"]}, expect=409)
    assert early["code"] == "not-approved"
    approved = await bank.post(f"{path}/approvals", approval, by="head", expect=200)
    assert (approved["state"], approved["approvals"][0]["rules"]) == ("approved", ["core.large-amount"])
    assert await bank.post(f"{path}/approvals", approval, by="head", expect=200) == approved
    stale = await problem(bank, "POST", f"{path}/confirm", {"decision_id": sale["decision_id"]}, expect=409)
    assert stale["code"] == "other-decision"
    done = await bank.post(f"{path}/confirm", {"decision_id": approved["decision_id"]}, expect=200)
    assert done["state"] == "confirmed"


async def test_a_second_person_can_decline(bank: Bank) -> None:
    """The sale is over, and repeating it changes nothing."""
    await ready(bank, large_amount=facts.money("50000"))
    sale = await requested(bank)
    body = {"decision_id": sale["decision_id"], "verdict": "decline", "reason": "no"}
    for _ in range(2):
        ended = await bank.post(f"/sales/{sale['sale_id']}/approvals", body, by="head", expect=200)
        assert (ended["state"], ended["closed_reason"], ended["closed_by"]) == ("rejected", "declined", "head")


async def test_a_blocked_sale_names_its_article(bank: Bank) -> None:
    """A product above the customer's level: rejected with the finding."""
    await ready(bank, level=5)
    sale = await requested(bank)
    assert (sale["state"], sale["closed_reason"]) == ("rejected", "blocked")
    found = [one for one in sale["decision"]["findings"] if one["verdict"] == "block"]
    assert [(one["rule_id"], one["article"]) for one in found] == [("cn-nfra.level-match", "12, 22, 38")]
    assert found[0]["inputs"]["customer_level"] == 4
    late = await problem(bank, "POST", f"/sales/{sale['sale_id']}/evidence", facts.document("disclosure"), expect=409)
    assert late["code"] == "sale-closed"


async def test_a_cancelled_sale_stays_cancelled(bank: Bank) -> None:
    """Withdrawn once; confirming it is refused."""
    await ready(bank)
    sale = await requested(bank)
    path = f"/sales/{sale['sale_id']}"
    for _ in range(2):
        assert (await bank.post(f"{path}/cancel", expect=200))["closed_reason"] == "withdrawn"
    gone = await problem(bank, "POST", f"{path}/confirm", {"decision_id": sale["decision_id"]}, expect=409)
    assert gone["code"] == "sale-closed"


async def test_a_sale_whose_time_ran_out_expires_when_touched(bank: Bank) -> None:
    """The refusal is told after the expiry is durable."""
    await ready(bank)
    sale = await requested(bank)
    bank.clock.advance(timedelta(days=31))
    late = await problem(bank, "POST", f"/sales/{sale['sale_id']}/confirm", {"decision_id": "d"}, expect=409)
    assert late["code"] == "sale-expired"
    assert (await bank.get(f"/sales/{sale['sale_id']}"))["state"] == "expired"


async def test_the_same_key_gives_the_same_answer(bank: Bank) -> None:
    """Also after the sale has moved on; another body under the same key is refused."""
    await ready(bank)
    first = await bank.call("POST", "/sales", facts.sale_body(), key="k-1", expect=201)
    sale = first.json()
    await bank.post(f"/sales/{sale['sale_id']}/cancel", expect=200)
    again = await bank.call("POST", "/sales", facts.sale_body(), key="k-1", expect=201)
    assert again.json() == sale
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    other = await problem(bank, "POST", "/sales", facts.sale_body(channel="phone"), key="k-1", expect=422)
    assert other["code"] == "idempotency-key-reused"
    another = await bank.call("POST", "/sales", facts.sale_body(), key="k-1", by="somebody-else", expect=201)
    assert another.json()["sale_id"] != sale["sale_id"]


async def test_the_same_key_repeats_a_waiting_answer(bank: Bank) -> None:
    """The product came in between: the repetition still says that it was waited for."""
    await bank.tell(facts.customer(), facts.kyc())
    first = await requested(bank, product_id="p-card")
    assert (first["state"], first["waiting_for"], first["decision"]) == ("requested", ["product"], None)
    await bank.call("PUT", "/products/p-card", {**examples.PRODUCT, "category": "card"}, expect=200)
    assert await requested(bank, product_id="p-card") == first
    assert (await bank.get(f"/sales/{first['sale_id']}"))["decision"]["trigger"] == "reference"


async def test_requests_at_the_same_time_are_decided_together_and_apart(bank: Bank) -> None:
    """Each caller gets its own sale; the audit log is one chain."""
    import asyncio

    await ready(bank)
    sales = await asyncio.gather(*(requested(bank, key=f"k-{n}") for n in range(20)))
    assert len({sale["sale_id"] for sale in sales}) == 20
    assert {sale["state"] for sale in sales} == {"approved"}
    assert (await bank.get("/audit/verify"))["intact"] is True


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"amount": {"value": "NaN", "currency": "CNY"}}, "body.amount.value", "pattern"),
        ({"amount": {"value": "-1", "currency": "CNY"}}, "body.amount.value", "pattern"),
        ({"amount": {"value": "1.001", "currency": "CNY"}}, "body.amount.value", "precision"),
        ({"amount": {"value": "1", "currency": "XXX"}}, "body.amount.currency", "currency"),
        ({"amount": {"value": 1, "currency": "CNY"}}, "body.amount.value", "string-type"),
        ({"customer_id": "c 1"}, "body.customer_id", "pattern"),
        ({"customer_id": "c-1\u0000"}, "body.customer_id", "no-nul"),
        ({"surprise": 1}, "body.surprise", "unknown-field"),
        ({"initiated_by": "robot"}, "body.initiated_by", "literal-error"),
        ({"years_to_pay": 101}, "body.years_to_pay", "less-than-equal"),
        ({"evidence": [facts.document("disclosure", "2026-03-02T05:00:00+00:00")]}, "body.evidence.0.recorded_at",
         "not-in-future"),
        ({"evidence": [facts.document("disclosure", "9999-12-31T23:59:59-14:00")]}, "body.evidence.0.recorded_at",
         "date-range"),
        ({"evidence": [facts.document("disclosure", "2026-03-02T03:00:00")]}, "body.evidence.0.recorded_at",
         "timezone-aware"),
    ],
)  # fmt: skip
async def test_a_bad_request_names_field_and_rule(bank: Bank, changes: dict[str, Any], field: str, rule: str) -> None:
    """Nothing is taken."""
    found = await problem(bank, "POST", "/sales", facts.sale_body(**changes), expect=422)
    assert (found["errors"][0]["field"], found["errors"][0]["rule"]) == (field, rule)
    assert (await bank.get("/sales"))["items"] == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed-json"),
        (b"[" * 100 + b"]" * 100, {}, 422, "invalid"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{}", {"Authorization": "Bearer nonsense"}, 401, "unauthenticated"),
        (b"x" * 70_000, {}, 413, "too-large"),
        (b"{}", {"Idempotency-Key": "\xff"}, 422, "invalid"),
    ],
)
async def test_a_request_that_is_no_request(
    bank: Bank, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """The short way gives up, the ordinary way words the problem."""
    sent = {**bank.token("core-banking"), "Content-Type": "application/json", **headers}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    response = await bank.client.request("POST", "/suitability/v1/sales", content=content, headers=raw)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_content_type_with_a_charset_is_the_same_request(bank: Bank) -> None:
    """The ordinary way and the short way give one answer to one key."""
    await ready(bank)
    first = await bank.call("POST", "/sales", facts.sale_body(), key="k-1", expect=201)
    headers = {
        **bank.token("core-banking"),
        "Idempotency-Key": "k-1",
        "Content-Type": "application/json; charset=utf-8",
    }
    again = await bank.client.post("/suitability/v1/sales", json=facts.sale_body(), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_unknown_query_parameters_are_refused(bank: Bank) -> None:
    """Also on the busy route."""
    found = await problem(bank, "POST", "/sales?dry-run=1", facts.sale_body(), expect=422)
    assert found["errors"][0]["rule"] == "unknown-field"


ROUTES = [
    ("POST", "/sales", "sales:write"),
    ("GET", "/sales", "sales:read"),
    ("GET", "/sales/s", "sales:read"),
    ("POST", "/sales/s/evidence", "sales:write"),
    ("POST", "/sales/s/approvals", "sales:approve"),
    ("POST", "/sales/s/confirm", "sales:write"),
    ("POST", "/sales/s/cancel", "sales:write"),
    ("PUT", "/products/p", "products:write"),
    ("GET", "/products/p", "products:read"),
    ("GET", "/decisions/d", "decisions:read"),
    ("GET", "/decisions/d/replay", "decisions:read"),
    ("GET", "/decisions-digest", "operations:read"),
    ("GET", "/audit/verify", "decisions:read"),
    ("POST", "/customers/c/assessments", "assessments:write"),
    ("POST", "/customers/c/assessments/a/confirmation", "assessments:write"),
    ("GET", "/customers/c/assessments", "assessments:read"),
    ("GET", "/packs", "decisions:read"),
    ("GET", "/questionnaires", "assessments:read"),
]
BODIES: dict[str, Any] = {
    "/sales": examples.SALE,
    "/sales/s/evidence": {**examples.EVIDENCE, "recorded_at": "2026-03-01T00:00:00Z"},
    "/sales/s/approvals": examples.APPROVAL,
    "/sales/s/confirm": examples.CONFIRMATION,
    "/customers/c/assessments": examples.ANSWERS,
    "/products/p": examples.PRODUCT,
}


@ON_SQLITE
@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_every_route_asks_for_its_scope(bank: Bank, method: str, path: str, scope: str) -> None:
    """Without a token 401, with all other scopes 403 that names the one missing."""
    body = BODIES.get(path)
    assert (await bank.client.request(method, f"/suitability/v1{path}", json=body)).status_code == 401
    found = await problem(bank, method, path, body, scopes=ALL_SCOPES - {scope}, expect=403)
    assert found["scope"] == scope


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "path", "by", "status"),
    [
        ("GET", "/sales/s", "x", 404),
        ("POST", "/sales/s/evidence", "x", 404),
        ("POST", "/sales/s/approvals", "x", 404),
        ("POST", "/sales/s/confirm", "x", 404),
        ("POST", "/sales/s/cancel", "x", 404),
        ("GET", "/products/p", "x", 404),
        ("GET", "/decisions/d", "x", 404),
        ("GET", "/decisions/d/replay", "x", 404),
        ("POST", "/customers/c/assessments", "c", 404),
        ("POST", "/customers/c/assessments/a/confirmation", "c", 404),
        ("GET", "/customers/c/assessments", "x", 404),
    ],
)
async def test_what_does_not_exist_is_not_found(bank: Bank, method: str, path: str, by: str, status: int) -> None:
    """With the example bodies of the documentation."""
    found = await problem(bank, method, path, BODIES.get(path), by=by, expect=status)
    assert found["code"] == "not-found"


async def test_customers_see_and_touch_their_own_sales_alone(bank: Bank) -> None:
    """Another customer's sale looks like one that does not exist."""
    await ready(bank)
    sale = await requested(bank)
    own = await bank.get("/sales", by="app", customer="c-1")
    assert [one["sale_id"] for one in own["items"]] == [sale["sale_id"]]
    assert (await bank.get("/sales", by="app", customer="c-2"))["items"] == []
    for method, path, body in (
        ("GET", f"/sales/{sale['sale_id']}", None),
        ("POST", f"/sales/{sale['sale_id']}/cancel", None),
        ("GET", f"/decisions/{sale['decision_id']}", None),
        ("GET", "/sales?customer=c-1", None),
        ("POST", "/sales", facts.sale_body()),
    ):
        await problem(bank, method, path, body, by="app", customer="c-2", expect=404)
    pushed = await problem(
        bank, "POST", "/sales", facts.sale_body(initiated_by="bank"), by="app", customer="c-1", expect=422
    )
    assert pushed["errors"][0]["field"] == "body.initiated_by"


async def test_lists_come_in_pages(bank: Bank) -> None:
    """All sales once, filtered by customer and state."""
    await ready(bank)
    for number in range(5):
        await requested(bank, key=f"k-{number}", evidence=[] if number == 0 else facts.sale_body()["evidence"])
    seen: list[str] = []
    cursor = ""
    while True:
        page = await bank.get(f"/sales?limit=2{cursor}")
        SalesPage.model_validate(page)
        seen += [one["sale_id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(set(seen))
    assert len(seen) == 5
    assert len((await bank.get("/sales?state=needs-evidence&customer=c-1"))["items"]) == 1
    assert (await bank.get("/sales?customer=nobody"))["items"] == []
    assert (await problem(bank, "GET", "/sales?cursor=xx", expect=422))["errors"][0]["rule"] == "cursor"


async def test_answers_have_the_documented_shapes(bank: Bank) -> None:
    """The fast encoder and the documented models agree field by field."""
    await ready(bank)
    sale = await requested(bank)
    assert set(SaleOut.model_validate(sale).model_dump()) == set(sale)
    decision = await bank.get(f"/decisions/{sale['decision_id']}")
    assert decision == sale["decision"]
    assert set(DecisionOut.model_validate(decision).model_dump()) == set(decision)
    replayed = await bank.get(f"/decisions/{sale['decision_id']}/replay")
    assert (replayed["identical"], replayed["packs_available"]) == (True, True)
    assert replayed["recomputed"] == decision["findings"]


async def test_products_are_one_register(bank: Bank) -> None:
    """Written over HTTP or told by the bank, the newest statement wins."""
    await bank.tell(facts.product("p-9", level=1))
    assert (await bank.get("/products/p-9"))["told_by"] == "/core-banking"
    written = (await bank.call("PUT", "/products/p-9", examples.PRODUCT, expect=200)).json()
    assert (written["seller_risk_level"], written["told_by"]) == (2, "/tierflow/suitability")
    assert (await bank.call("PUT", "/products/p-9", examples.PRODUCT, expect=200)).json() == written
    _, ahead, _ = facts.product("p-9", level=3)
    await bank.tell(("ahead", ahead, bank.clock.now() + timedelta(days=1)))
    late = await problem(bank, "PUT", "/products/p-9", examples.PRODUCT, expect=409)
    assert late["code"] == "newer-version"


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": "XXX"}, "body.currency"),
        ({"seller_risk_level": 6}, "body.seller_risk_level"),
        ({"large_amount": {"value": "1", "currency": "USD"}}, "body.large_amount"),
        ({"on_sale_from": "yesterday"}, "body.on_sale_from"),
    ],
)
async def test_a_bad_product_names_its_field(bank: Bank, changes: dict[str, Any], field: str) -> None:
    """Nothing is written."""
    body = {**examples.PRODUCT, "minimum_amount": None, "large_amount": None, **changes}
    found = await problem(bank, "PUT", "/products/p-1", body, expect=422)
    assert found["errors"][0]["field"] == field
    await problem(bank, "GET", "/products/p-1", expect=404)


async def test_packs_and_questionnaires_are_shown(bank: Bank) -> None:
    """With articles, numbers, hashes and both languages; points stay with the bank."""
    packs = {pack["pack"]: pack for pack in (await bank.get("/packs"))["items"]}
    assert packs["cn-nfra"]["parameters"]["special_care_age"] == 65
    assert len(packs["cn-nfra"]["hash"]) == 64
    forms = (await bank.get("/questionnaires"))["items"]
    assert len(forms[0]["questions"]) == 10
    assert set(forms[0]["questions"][0]["options"][0]) == {"option_id", "text", "text_zh"}


async def test_metrics_count_decisions_by_pack_and_outcome(bank: Bank) -> None:
    """And sales that ended."""
    await ready(bank)
    sale = await requested(bank)
    await bank.post(f"/sales/{sale['sale_id']}/confirm", {"decision_id": sale["decision_id"]}, expect=200)
    metrics = bank.app.state.metrics
    assert metrics.value("tierflow_sale_decisions_total", "cn-nfra", "approved") == 1
    assert metrics.value("tierflow_sales_closed_total", "confirmed") == 1
