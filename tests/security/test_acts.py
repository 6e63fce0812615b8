"""Privileged acts leave a row each, in the transaction of the act, and auditors alone can read them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import MetaData, func, select

from tests.databases import OpenDatabase
from tests.security.world import DAY, FOREIGN, OWN, WEEK_END, World, opened
from tierflow_shared.store.acts import Act, record_acts

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("acts")) as one:
        yield one


async def acts(world: World, service: str, query: str = "") -> list[dict[str, Any]]:
    found = await world.call("GET", f"/{service}/v1/acts{query}", expect=200, subject="auditor")
    return list(found["items"])


def said(rows: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [(row["subject"], row["action"], row["object"], row["outcome"]) for row in rows]


async def test_privileged_acts_are_there_for_auditors(world: World) -> None:
    letter, sale = world.ids["letter_id"][OWN], world.ids["sale_id"][OWN]
    await world.call("POST", f"/events/v1/dead-letters/{letter}/replay", expect=200, subject="operator")
    await world.call("POST", f"/events/v1/dead-letters/{letter}/replay", expect=200, subject="operator")
    plan = {"from": DAY, "to": WEEK_END, "rm_id": "rm-own"}
    await world.call("POST", "/contact-planner/v1/plans", plan, expect=200, subject="head")
    product = {
        "name": "New", "category": "wealth", "issuer_risk_level": 1, "seller_risk_level": 1, "currency": "CNY",
        "on_sale_from": "2025-01-01",
    }  # fmt: skip
    await world.call("PUT", "/suitability/v1/products/p-new", product, expect=200, subject="editor")
    approval = {"decision_id": world.ids["decision_id"][OWN], "verdict": "approve", "reason": "mine"}
    await world.call("POST", f"/suitability/v1/sales/{sale}/approvals", approval, expect=409, subject="boss")
    events = said(await acts(world, "events"))
    assert events[0] == ("operator", "dead-letter.replay", letter, "done")
    assert events.count(events[0]) == 1
    assert ("tester", "business-date.advance", DAY, "done") in events
    assert said(await acts(world, "contact-planner"))[0] == ("head", "plans.commit", "rm-own", "done")
    suitability = await acts(world, "suitability")
    assert said(suitability)[1] == ("editor", "product.write", "p-new", "done")
    assert said(suitability)[0][:3] == ("boss", "sale.approve", sale)
    assert said(suitability)[0][3] != "done"
    assert len(suitability[0]["trace"]) == 32
    assert await acts(world, "scoring") == []


async def test_they_can_be_searched_and_come_in_pages(world: World) -> None:
    letter = world.ids["letter_id"][FOREIGN]
    await world.call("POST", f"/events/v1/dead-letters/{letter}/replay", expect=200, subject="searched")
    assert [row["object"] for row in await acts(world, "events", "?subject=searched")] == [letter]
    assert [row["subject"] for row in await acts(world, "events", f"?object={letter}")] == ["searched"]
    assert await acts(world, "events", "?from=2099-01-01T00:00:00Z") == []
    assert await acts(world, "events", "?to=2000-01-01T00:00:00Z") == []
    everything, seen, cursor = await acts(world, "events"), [], ""
    while True:
        page = await world.call("GET", f"/events/v1/acts?limit=1{cursor}", expect=200)
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == everything


def test_an_act_without_its_transaction_leaves_no_row(open_database: OpenDatabase) -> None:
    """Both ways: what is rolled back was not done, and what is done is written down."""

    def fail() -> None:
        with database.writing() as uow:
            record_acts(uow, [Act("anna", "test.act", "thing-1")])
            raise RuntimeError("the act failed")

    database = open_database(MetaData())
    with pytest.raises(RuntimeError):
        fail()
    with database.writing() as uow:
        record_acts(uow, [Act("anna", "test.act", "thing-2")])
    with database.reading() as connection:
        table = database.tables.act
        assert connection.execute(select(table.c.thing)).scalars().all() == ["thing-2"]
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 1
