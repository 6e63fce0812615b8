"""The way of a sale through the running service."""

import pytest

from tests.integration.suitability import facts
from tests.integration.suitability.bank import Bank

pytestmark = pytest.mark.anyio


async def test_an_ordinary_sale_is_approved_and_confirmed(bank: Bank) -> None:
    """Known customer, assessed by itself, documents there: approved at once, confirmed on request."""
    await bank.tell(facts.customer(), facts.kyc(), facts.product())
    level = await bank.post("/customers/c-1/assessments", facts.answers(), by="c-1", customer="c-1", expect=201)
    assert level["level"] == 4
    sale = await bank.post("/sales", facts.sale_body(), key="k-1", expect=201)
    assert sale["state"] == "approved", sale
    done = await bank.post(f"/sales/{sale['sale_id']}/confirm", {"decision_id": sale["decision_id"]}, expect=200)
    assert done["state"] == "confirmed"
    replay = await bank.get(f"/decisions/{sale['decision_id']}/replay")
    assert replay["identical"] is True
    assert (await bank.get("/audit/verify"))["intact"] is True
