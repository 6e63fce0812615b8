"""Questionnaires over HTTP: only the customer answers, not too often, and confirms a changed level."""

from datetime import timedelta

import pytest

from tests.databases import ON_SQLITE
from tests.integration.suitability import facts
from tests.integration.suitability.bank import Bank

pytestmark = pytest.mark.anyio
PATH = "/customers/c-1/assessments"


async def test_nobody_answers_for_the_customer(bank: Bank) -> None:
    """Staff are refused with the reason, other customers find nothing."""
    await bank.tell(facts.customer())
    staff = (await bank.call("POST", PATH, facts.answers(), by="teller", expect=403)).json()
    assert (staff["code"], staff["errors"][0]["rule"]) == ("only-the-customer", "cn-nfra article 13")
    await bank.call("POST", PATH, facts.answers(), by="app", customer="c-2", expect=404)
    await bank.call("POST", PATH, facts.answers(), by="c-1", expect=201)
    assert len((await bank.get(PATH))["items"]) == 1
    await bank.call("GET", PATH, by="app", customer="c-2", expect=404)


async def test_a_changed_level_counts_after_the_customer_confirms_it(bank: Bank) -> None:
    """The sale that waited for it is judged again at once."""
    await bank.tell(facts.customer(), facts.kyc(), facts.product())
    await bank.post(PATH, facts.answers(), customer="c-1", expect=201)
    changed = await bank.post(PATH, facts.answers(loss="below-10"), customer="c-1", expect=201)
    assert (changed["level"], changed["previous_level"], changed["confirmed"]) == (3, 4, False)
    sale = await bank.post("/sales", facts.sale_body(), expect=201)
    assert sale["needs"] == ["assessment-confirmation"]
    confirmation = f"{PATH}/{changed['assessment_id']}/confirmation"
    await bank.call("POST", confirmation, by="teller", expect=403)
    for _ in range(2):
        assert (await bank.post(confirmation, customer="c-1", expect=200))["confirmed"] is True
    assert (await bank.get(f"/sales/{sale['sale_id']}"))["state"] == "approved"


async def test_a_first_assessment_wakes_the_sale_that_waited_for_it(bank: Bank) -> None:
    """Asked first, assessed then, approved without another request."""
    await bank.tell(facts.customer(), facts.kyc(), facts.product())
    sale = await bank.post("/sales", facts.sale_body(), expect=201)
    assert "assessment" in sale["needs"]
    bank.clock.advance(timedelta(minutes=5))
    await bank.post(PATH, facts.answers(), customer="c-1", expect=201)
    assert (await bank.get(f"/sales/{sale['sale_id']}"))["state"] == "approved"


async def test_the_limits_hold_when_answering(bank: Bank) -> None:
    """Two a day, eight in 12 months; the problem says when again."""
    await bank.tell(facts.customer())
    for day in range(4):
        for number in range(2):
            answers = facts.answers()
            await bank.post(PATH, answers, customer="c-1", key=f"{day}-{number}", expect=201)
        bank.clock.advance(timedelta(hours=1))
        third = (await bank.call("POST", PATH, facts.answers(), customer="c-1", expect=409)).json()
        assert third["code"] == "assessment-limit"
        assert third["errors"][0]["rule"] == "max-per-day"
        bank.clock.advance(timedelta(days=1))
    ninth = (await bank.call("POST", PATH, facts.answers(), customer="c-1", expect=409)).json()
    assert (ninth["errors"][0]["rule"], ninth["again_on"]) == ("max-per-12-months", "2027-03-02")


async def test_a_repeated_answer_counts_once(bank: Bank) -> None:
    """The same key gives the same assessment."""
    await bank.tell(facts.customer())
    first = await bank.post(PATH, facts.answers(), customer="c-1", key="k", expect=201)
    assert await bank.post(PATH, facts.answers(), customer="c-1", key="k", expect=201) == first
    assert len((await bank.get(PATH, customer="c-1"))["items"]) == 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**facts.answers(), "version": "1999"}, "body.questionnaire"),
        (facts.answers(loss="some"), "body.answers.loss"),
        ({**facts.answers(), "answers": {}}, "body.answers.age"),
    ],
)
async def test_answers_must_fit(bank: Bank, body: dict[str, object], field: str) -> None:
    """The problem names the question."""
    await bank.tell(facts.customer())
    found = (await bank.call("POST", PATH, body, customer="c-1", expect=422)).json()
    assert found["errors"][0]["field"] == field


async def test_an_assessment_expires_for_a_sale_after_12_months(bank: Bank) -> None:
    """On the last day it still counts."""
    await bank.tell(facts.customer(), facts.kyc(valid_until=None), facts.product())
    made = await bank.post(PATH, facts.answers(), customer="c-1", expect=201)
    assert made["valid_until"] == "2027-03-02"
    bank.clock.advance(timedelta(days=365))
    assert (await bank.post("/sales", facts.sale_body(), expect=201))["state"] == "approved"
    bank.clock.advance(timedelta(days=1))
    assert (await bank.post("/sales", facts.sale_body(), expect=201))["needs"] == ["assessment"]
