"""Events in, plans out, outcomes back: the contact planner as its users meet it."""

import msgspec
import pytest
from icalendar import Calendar

from tests.databases import ON_SQLITE
from tests.integration.contact_planner.conftest import NOW, WEEK, Planner, small_bank
from tests.unit.contact_planner.samples import MONDAY, customer, day, decided, kyc, pending, rm_updated, tier
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced, ContactPlanned, ContactRecorded

pytestmark = pytest.mark.anyio


async def test_a_draft_becomes_a_committed_plan_that_is_published_once(planner: Planner) -> None:
    """Looking promises nothing; planning stores, publishes each contact once, and repeating it says nothing."""
    await planner.tell(*small_bank())
    draft = await planner.get("/rms/rm-1/plan", **WEEK)
    assert draft["status"] == "draft"
    assert {c["customer_id"] for d in draft["days"] for c in d["contacts"]} == {"anna", "boris"}

    made = await planner.post("/plans", WEEK)
    assert made.status_code == 200, made.text
    assert made.json()["published"] == made.json()["contacts"] == 3
    committed = await planner.get("/rms/rm-1/plan", **WEEK)
    assert committed["status"] == "committed"
    assert committed["days"] == draft["days"]
    assert committed["policy"] == "standard@2026-01"

    again = await planner.post("/plans", WEEK)
    assert (again.json()["published"], again.json()["withdrawn"]) == (0, 0)
    assert await planner.get("/rms/rm-1/plan", **WEEK) == committed
    said = [msgspec.json.decode(r.value, type=ContactPlanned) for r in await planner.on_log("tierflow.contacts", 3)]
    assert sorted(one.customer_id for one in said) == ["anna", "boris", "cyril"]


async def test_a_customer_without_manager_is_owned_by_rule(planner: Planner) -> None:
    """No customer without an owner: the first role that serves the tier takes over."""
    await planner.tell(*small_bank())
    assert (await planner.get("/customers/cyril/contacts"))["owner"] == "rm-2"
    assert (await planner.get("/customers/dana/contacts"))["owner"] == "rm-2"
    await planner.tell(rm_updated("rm-2", role="personal", active=False), prefix="later-")
    assert (await planner.get("/customers/cyril/contacts"))["owner"] == "rm-1"
    sizes = {one["rm_id"]: one["customers"] for one in (await planner.get("/rms"))["items"]}
    assert sizes == {"rm-1": 4, "rm-2": 0}


async def test_an_outcome_restarts_the_cadence_and_answers_the_causes(planner: Planner) -> None:
    """After the talk nothing is due; the outcome is said once, also when it is sent twice."""
    await planner.tell(*small_bank(), pending(since=day(-3), customer_id="boris"))
    await planner.post("/plans", WEEK)
    plan = await planner.get("/rms/rm-1/plan", **WEEK)
    contact = next(c for d in plan["days"] for c in d["contacts"] if c["customer_id"] == "boris")
    assert {"cadence", "tier-pending"} <= {reason["kind"] for reason in contact["reasons"]}
    assert any("12000.00 CZK short of platinum" in point["en"] for point in contact["talking_points"])

    body = {"outcome": "reached", "occurred_at": "2026-03-02T07:30:00Z", "satisfaction": 5}
    path = f"/contacts/{contact['contact_id']}/outcome"
    first = await planner.post(path, body, **{"idempotency-key": "k1"})
    assert first.status_code == 200, first.text
    assert first.json()["result"]["recorded_by"] == "rm-1"
    again = await planner.post(path, body, **{"idempotency-key": "k1"})
    assert (again.status_code, again.json()) == (200, first.json())
    twice = await planner.post(path, body)
    assert (twice.status_code, twice.json()["code"]) == (409, "contact-over")

    seen = await planner.get("/customers/boris/contacts", as_of="2026-03-03")
    assert seen["due"] is None
    assert [one["status"] for one in seen["items"]] == ["recorded"]
    records = await planner.on_log("tierflow.contacts", 4)
    recorded = [r for r in records if r.type == "tierflow.contact.recorded.v1"]
    assert [msgspec.json.decode(r.value, type=ContactRecorded).outcome for r in recorded] == ["reached"]


async def test_a_complaint_stops_pitches_and_is_due_at_once(planner: Planner) -> None:
    """boris has consented to pitches and is familiar, so only the complaint can be what stops the follow-up."""
    await planner.tell(*small_bank())
    await planner.post("/plans", WEEK)
    contact = (await planner.get("/customers/boris/contacts"))["items"][0]
    body = {"outcome": "interested", "next_step_on": "2026-03-05", "occurred_at": "2026-03-02T07:00:00Z"}
    assert (await planner.post(f"/contacts/{contact['contact_id']}/outcome", body)).status_code == 200
    due = (await planner.get("/customers/boris/contacts", as_of="2026-03-05"))["due"]
    assert (due["purpose"], due["reasons"][0]["kind"]) == ("sale", "sale-follow-up")

    await planner.post("/plans", {"from": "2026-03-04", "to": "2026-03-08", "rm_id": "rm-1"})
    contact = next(c for c in (await planner.get("/customers/boris/contacts"))["items"] if c["status"] == "planned")
    body = {"outcome": "complaint", "next_step_on": "2026-03-05", "occurred_at": "2026-03-02T07:50:00Z"}
    assert (await planner.post(f"/contacts/{contact['contact_id']}/outcome", body)).status_code == 200
    due = (await planner.get("/customers/boris/contacts", as_of="2026-03-05"))["due"]
    assert due["purpose"] == "service"
    assert "complaint-open" in {reason["kind"] for reason in due["reasons"]}


async def test_the_digest_does_not_depend_on_order_or_repetition(planner: Planner) -> None:
    """The same events backwards and twice give the same number; one event more gives another."""
    await planner.tell(*small_bank())
    first = await planner.get("/contacts-digest", as_of="2026-03-02")
    await planner.tell(*reversed(small_bank()), prefix="again-")
    assert await planner.get("/contacts-digest", as_of="2026-03-02") == first
    await planner.tell(decided("needs-evidence", sale_id="s9"), customer("c1"), prefix="more-")
    more = await planner.get("/contacts-digest", as_of="2026-03-02")
    assert more["sha256"] != first["sha256"]
    assert more["reasons"]["sale-needs-evidence"] == 1


async def test_the_same_event_again_is_counted_and_without_effect(planner: Planner) -> None:
    """The same id and content is a duplicate; the same id with other content becomes a dead letter."""
    await planner.tell(customer("anna"))
    planner.told = 0
    await planner.tell(customer("anna"))
    planner.told = 0
    await planner.tell(customer("anna", style="driver"))
    counted = (await planner.get("/progress"))["consumption"]["bank.customer.updated.v1"]
    assert counted == {"applied": 1, "duplicate": 1, "refused": 1}
    assert (await planner.get("/progress"))["dead_letters"] == 1


async def test_coverage_counts_customers_within_their_cadence(planner: Planner) -> None:
    """Nobody was talked to since 2020; general customers have no cadence."""
    await planner.tell(*small_bank(), BusinessDateAdvanced(business_date=MONDAY))
    cover = await planner.get("/coverage")
    assert (cover["as_of"], cover["customers"], cover["with_cadence"], cover["within"]) == ("2026-03-02", 4, 3, 0)
    assert [late["customer_id"] for late in cover["items"]] == ["anna", "boris", "cyril"]
    page = await planner.get("/coverage", rm="rm-1", limit="1")
    assert (page["overdue_total"], len(page["items"]), page["next"] is not None) == (2, 1, True)
    rest = await planner.get("/coverage", rm="rm-1", limit="1", cursor=page["next"])
    assert [late["customer_id"] for late in rest["items"]] == ["boris"]


async def test_the_calendar_file_names_no_customer(planner: Planner) -> None:
    """RFC 5545, within the hours of the region, without ids of customers."""
    await planner.tell(*small_bank())
    answer = await planner.http.get("/contact-planner/v1/rms/rm-1/plan.ics", params=WEEK)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert "anna" not in answer.text
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert len(events) == 2
    assert all(8 <= event["dtstart"].dt.hour < 17 for event in events)


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/rms/nobody/plan?from=2026-03-02&to=2026-03-08", "not-found"),
        ("/rms/rm-1/plan?from=2026-03-08&to=2026-03-02", "invalid"),
        ("/rms/rm-1/plan?from=2026-03-02&to=2026-06-02", "invalid"),
        ("/rms/rm-1/plan?from=tomorrow&to=2026-03-08", "invalid"),
        ("/rms/rm-1/plan?from=2026-03-02", "invalid"),
        ("/customers/nobody/contacts", "not-found"),
        ("/customers/nobody/contacts?cursor=WyJhIiwiYiJd", "not-found"),
        ("/coverage?rm=nobody", "not-found"),
        ("/coverage?cursor=xx", "invalid"),
        ("/contacts-digest?as_of=9999-12-31", "invalid"),
        ("/customers/anna/contacts?as_of=9999-12-31", "invalid"),
        ("/rms/rm-1/plan?from=9999-12-25&to=9999-12-31", "invalid"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(planner: Planner, path: str, code: str) -> None:
    """Unknown managers and customers are 404, bad periods and cursors 422, all as problem details."""
    await planner.tell(rm_updated("rm-1"))
    answer = await planner.http.get(f"/contact-planner/v1{path}")
    assert (answer.json()["code"], answer.headers["content-type"]) == (code, "application/problem+json")


async def test_outcomes_are_checked(planner: Planner) -> None:
    """Unknown contacts, the future, and a next step in the past are refused."""
    await planner.tell(*small_bank())
    await planner.post("/plans", WEEK)
    contact_id = (await planner.get("/customers/anna/contacts"))["items"][0]["contact_id"]
    unknown = await planner.post("/contacts/ct-0/outcome", {"outcome": "reached"})
    assert unknown.status_code == 404
    future = await planner.post(
        f"/contacts/{contact_id}/outcome", {"outcome": "reached", "occurred_at": "2026-03-03T08:00:00Z"}
    )
    assert (future.status_code, future.json()["errors"][0]["field"]) == (422, "body.occurred_at")
    past = await planner.post(f"/contacts/{contact_id}/outcome", {"outcome": "reached", "next_step_on": "2026-01-01"})
    assert (past.status_code, past.json()["errors"][0]["rule"]) == (422, "after-contact")
    never = await planner.post(f"/contacts/{contact_id}/outcome", {"outcome": "reached", "next_step_on": "9999-12-31"})
    assert (never.status_code, never.json()["errors"][0]["rule"]) == (422, "day-range")
    wrong = await planner.post(f"/contacts/{contact_id}/outcome", {"outcome": "reached", "satisfaction": 6})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body.satisfaction")


async def test_each_route_wants_its_scope(planner: Planner) -> None:
    """Reading contacts does not allow to plan, to record or to see operations."""
    reader = {"authorization": f"Bearer {planner.token('contacts:read')}"}
    assert (await planner.post("/plans", WEEK, **reader)).status_code == 403
    assert (await planner.post("/contacts/ct-1/outcome", {"outcome": "reached"}, **reader)).status_code == 403
    assert (await planner.http.get("/contact-planner/v1/contacts-digest", headers=reader)).status_code == 403
    assert (await planner.http.get("/contact-planner/v1/coverage", headers=reader)).status_code == 200
    assert (await planner.http.get("/contact-planner/v1/coverage", headers={"authorization": ""})).status_code == 401


async def test_a_replanned_week_keeps_promises_and_takes_back_what_is_no_longer_due(planner: Planner) -> None:
    """New customers fit in around the promises; a customer who left the tier is taken back."""
    await planner.tell(*small_bank())
    await planner.post("/plans", WEEK)
    before = await planner.get("/rms/rm-1/plan", **WEEK)
    more = [customer(f"new-{n}", rm_id="rm-1") for n in range(5)]
    tiers = [tier("private", customer_id=f"new-{n}") for n in range(5)]
    await planner.tell(*more, *tiers, tier("general", MONDAY, "down", "platinum", customer_id="boris"), prefix="n-")
    answer = (await planner.post("/plans", WEEK)).json()
    assert answer["withdrawn"] == 0
    after = await planner.get("/rms/rm-1/plan", **WEEK)
    days = {c["contact_id"]: c["planned_on"] for d in after["days"] for c in d["contacts"]}
    for one in (c for d in before["days"] for c in d["contacts"]):
        assert days[one["contact_id"]] == one["planned_on"]
    assert after["contacts"] == 7


async def test_of_two_words_in_one_commit_the_later_one_counts(planner: Planner) -> None:
    """A correction in the same commit has the same time, and may take effect on an earlier day."""
    up, corrected = tier("private", MONDAY, "up", "personal"), tier("personal", day(-40), "down", "private")
    await planner.tell(customer("c1"), kyc(), up, corrected)
    due = (await planner.get("/customers/c1/contacts", as_of="2026-03-02"))["due"]
    assert due["tier"] == "private-bank/personal"
    assert "tier-up" not in {reason["kind"] for reason in due["reasons"]}


async def test_a_poisonous_record_is_refused_alone(planner: Planner) -> None:
    """What cannot be read becomes a dead letter; the rest of the batch is taken in."""
    good = outgoing_message(customer("anna"), event_id="good", service="test", now=NOW)
    await planner.bus.producer().publish([good._replace(value=b"{"), good._replace(key="anna")])
    await planner.caught_up()
    counted = (await planner.get("/progress"))["consumption"]["bank.customer.updated.v1"]
    assert counted == {"applied": 1, "duplicate": 0, "refused": 1}
