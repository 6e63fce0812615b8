"""The routes of the scoring service on a small bank."""

from datetime import date, timedelta

import pytest

from tests.databases import ON_SQLITE
from tests.integration.scoring.conftest import ROOT, Service
from tierflow_shared.contracts import bank
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data, PositiveMoney

pytestmark = pytest.mark.anyio
FIRST = date(2026, 1, 5)


def booking(customer: str, number: int, value: str, day: date, direction: str = "credit") -> Data:
    """A booking on a customer's first account."""
    return bank.TransactionPosted(
        transaction_id=f"t-{customer}-{number}",
        customer_id=customer,
        account_id=f"acc-{customer}",
        amount=PositiveMoney(value=value, currency="CZK"),
        direction="credit" if direction == "credit" else "debit",
        booking_date=day,
        channel="branch",
        purpose="salary" if direction == "credit" else "cash",
    )


def small_bank() -> list[Data]:
    """anna: platinum, then a pending downgrade; bob: personal; eve: an account without bookings."""
    opened = [
        bank.AccountOpened(
            account_id=f"acc-{name}", customer_id=name, kind="current", currency="CZK", opened_on=date(2024, 1, 1)
        )
        for name in ("anna", "bob", "eve")
    ]
    verified = [
        bank.KycUpdated(customer_id=name, status="verified", effective_on=date(2024, 1, 1)) for name in ("anna", "bob")
    ]
    return [
        *opened,
        *verified,
        booking("anna", 1, "70000.00", FIRST),
        booking("bob", 1, "35000.00", FIRST),
        booking("anna", 2, "30000.00", FIRST + timedelta(days=10), "debit"),
        BusinessDateAdvanced(business_date=FIRST + timedelta(days=20)),
    ]


async def test_a_customer_has_tiers_with_reasons_scores_and_what_is_missing(service: Service) -> None:
    """The answer that a mobile back end shows."""
    await service.tell(*small_bank())
    answer = await service.get("/customers/bob")
    assert answer["as_of"] == "2026-01-25"
    tiers = {row["scheme"]: row for row in answer["tiers"]}
    standing = tiers["private-bank"]
    assert (standing["tier"], standing["title"]["zh"], standing["provisional"]) == ("personal", "个人理财客户", False)
    assert standing["effective_on"] == "2026-01-05"
    assert standing["next"]["words"] == "25000.00 CZK short of platinum"
    assert standing["next"]["amount"] == {"value": "25000.00", "currency": "CZK"}
    assert standing["reasons"][0]["threshold"] == "30000.00"
    assert standing["service"]["owner"]["en"] == "Personal banking desk"
    assert {part["measure"] for part in tiers["abcd"]["reasons"]} >= {"composite", "amount", "contribution"}
    assert {row["dimension"] for row in answer["scores"]} == {"value", "spend", "loyalty", "potential"}
    assert all(0 <= row["score"] <= 100 for row in answer["scores"])
    assert answer["features"]["aum_end_of_day"] == "35000.00"


async def test_a_pending_downgrade_is_shown_with_what_would_keep_the_tier(service: Service) -> None:
    """anna fell to 40,000; platinum is kept from 48,000 on, and 90 days after she earned it last."""
    await service.tell(*small_bank())
    pending = (await service.get("/customers/anna"))["tiers"][0]["pending"]
    assert pending == {
        "tier": "personal",
        "since": "2026-01-15",
        "due_on": "2026-04-14",
        "shortfall": "8000.00 CZK",
        "words": "8000.00 CZK short of platinum",
    }


async def test_an_upgrade_inside_the_open_day_is_seen_at_once(service: Service) -> None:
    """The day is not over, and the tier is there."""
    await service.tell(*small_bank(), booking("bob", 2, "80000.00", FIRST + timedelta(days=20)))
    standing = (await service.get("/customers/bob"))["tiers"][0]
    assert (standing["tier"], standing["effective_on"]) == ("private", "2026-01-25")


async def test_history_answers_by_day_and_by_knowledge(service: Service) -> None:
    """A late booking changes what is believed about the past, not what was believed."""
    await service.tell(*small_bank())
    service.clock.advance(timedelta(hours=2))
    await service.tell(booking("bob", 9, "40000.00", FIRST + timedelta(days=3)))
    path = "/customers/bob/tiers"
    day = (FIRST + timedelta(days=5)).isoformat()

    async def tier(**known: str) -> str:
        (item,) = (await service.get(path, scheme="private-bank", on=day, **known))["items"]
        assert item["policy_version"] == "berka-2024.1"
        return str(item["tier"])

    assert await tier() == "platinum"
    assert await tier(known_at="2026-03-02T09:00:00Z") == "personal"
    assert await tier(known_at="2026-03-02T11:00:00+01:00") == "platinum"
    assert await tier(known_at="2026-01-12") == "personal"
    assert (await service.get(path, known_at="2020-01-01T00:00:00Z"))["items"] == []
    whole = (await service.get(path, scheme="private-bank"))["items"]
    assert [(one["valid_from"], one["tier"], one["provisional"]) for one in whole] == [
        ("2024-01-01", "general", True),
        ("2024-07-01", "general", False),
        ("2026-01-05", "personal", False),
        ("2026-01-08", "platinum", False),
    ]


async def test_accounts_come_in_pages_with_exact_sums(service: Service) -> None:
    """Each account once, those without bookings too, whatever the size of the page."""
    await service.tell(*small_bank())
    found, cursor = [], None
    while True:
        page = await service.get("/accounts", limit=1, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [(row["account_id"], row["net_minor"], row["bookings"]) for row in found] == [
        ("acc-anna", 4_000_000, 2),
        ("acc-bob", 3_500_000, 1),
        ("acc-eve", 0, 0),
    ]
    assert found[0]["debit"] == {"value": "30000.00", "currency": "CZK"}


async def test_a_digest_is_folded_at_most_a_year_beyond_the_open_day(service: Service) -> None:
    """Each day more costs a step for every customer."""
    await service.tell(*small_bank())
    opened = date.fromisoformat((await service.get("/digest"))["as_of"])
    within, beyond = ((opened + timedelta(days=days)).isoformat() for days in (366, 367))
    assert (await service.get("/digest", as_of=within))["as_of"] == within
    asked = {"params": {"as_of": beyond}, "headers": service.token("operations:read")}
    answer = await service.http.get(f"{ROOT}/digest", **asked)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "days-ahead")


@pytest.mark.parametrize("route", ["/pyramid", "/standings"])
async def test_a_day_that_is_not_closed_is_refused(service: Service, route: str) -> None:
    """A standing on a day to come would be an invention."""

    async def refusal(as_of: str) -> tuple[int, str, str]:
        asked = {"scheme": "private-bank", "as_of": as_of}
        answer = await service.http.get(f"/scoring/v1{route}", params=asked, headers=service.token("tiers:read"))
        found = answer.json()
        return answer.status_code, found["errors"][0]["field"], found["errors"][0]["message"]

    assert await refusal("2026-01-04") == (422, "query.as_of", "no day is closed yet")
    await service.tell(*small_bank())
    last = (await service.get("/pyramid", scheme="private-bank"))["as_of"]
    assert await service.get(route, scheme="private-bank", as_of=last)
    to_come = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
    assert await refusal(to_come) == (422, "query.as_of", f"the last closed day is {last}")


async def test_the_book_as_pyramid_moves_and_movers(service: Service) -> None:
    """Who stands where, who moved when, and who moved most."""
    await service.tell(*small_bank())
    pyramid = await service.get("/pyramid", scheme="private-bank")
    assert [(row["tier"], row["customers"]) for row in pyramid["tiers"]] == [
        ("general", 1), ("personal", 1), ("platinum", 1), ("private", 0),
    ]  # fmt: skip
    earlier = await service.get("/pyramid", scheme="private-bank", as_of="2026-01-04")
    assert earlier["tiers"][0]["customers"] == 3
    moves = (await service.get("/moves", scheme="private-bank", by="month"))["items"]
    assert [(row["period"], row["direction"], row["tier"], row["customers"]) for row in moves] == [
        ("2024-01", "initial", "general", 3),
        ("2026-01", "up", "personal", 1),
        ("2026-01", "up", "platinum", 1),
    ]
    movers = (await service.get("/movers", scheme="private-bank", limit=1))["items"]
    assert [(row["customer_id"], row["previous_tier"], row["tier"]) for row in movers] == [
        ("anna", "general", "platinum")
    ]
    assert movers[0]["reasons"][0]["value"] == "70000.00"


async def test_the_digest_checks_stored_paths(service: Service) -> None:
    """A fresh fold of everybody agrees with what is stored."""
    await service.tell(*small_bank())
    found = await service.get("/digest")
    assert (found["customers"], found["accounts"], found["transactions"], found["paths_differing"]) == (3, 2, 3, 0)
    assert found["as_of"] == "2026-01-25"
    assert (await service.get("/digest", as_of="2026-01-25"))["digest"] == found["digest"]


async def test_policies_can_be_read(service: Service) -> None:
    """Thresholds and what each tier gets."""
    listed = await service.get("/policies")
    assert [(row["scheme"], row["in_force"]) for row in listed["items"]] == [("private-bank", True), ("abcd", True)]
    policy = await service.get("/policies/private-bank/berka-2024.1")
    assert [(row["tier"], row["enter"], row["exit"]) for row in policy["tiers"]][1] == (
        "personal",
        "30000.00",
        "24000.00",
    )


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/customers/nobody", 404, None),
        ("/customers/nobody/tiers", 404, None),
        ("/customers/anna/tiers?scheme=shoes", 422, "query.scheme"),
        ("/customers/anna/tiers?known_at=yesterday", 422, "query.known_at"),
        ("/customers/anna/tiers?known_at=2026-01-01T00:00:00", 422, "query.known_at"),
        ("/customers/anna/tiers?on=2026-02-30", 422, "query.on"),
        ("/customers/anna/tiers?on=9999-12-31", 422, "query.on"),
        ("/digest?as_of=9999-12-31", 422, "query.as_of"),
        ("/pyramid", 422, "query.scheme"),
        ("/pyramid?scheme=shoes", 422, "query.scheme"),
        ("/moves?scheme=abcd&by=week", 422, "query.by"),
        ("/movers?scheme=abcd&limit=0", 422, "query.limit"),
        ("/accounts?cursor=rubbish", 422, "query.cursor"),
        ("/policies/private-bank/none", 404, None),
    ],
)
async def test_bad_questions_get_a_problem(service: Service, path: str, status: int, field: str | None) -> None:
    """The field is named, and nothing is a 500."""
    answer = await service.http.get(ROOT + path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field is None or answer.json()["errors"][0]["field"] == field


async def test_a_token_of_one_customer_sees_this_customer_alone(service: Service) -> None:
    """Others look as if they were unknown, and without the scope nothing is seen."""
    await service.tell(*small_bank())
    own = service.token("tiers:read", customer="bob")
    assert (await service.http.get(f"{ROOT}/customers/bob", headers=own)).status_code == 200
    assert (await service.http.get(f"{ROOT}/customers/anna", headers=own)).status_code == 404
    assert (await service.http.get(f"{ROOT}/customers/bob/tiers", headers=own)).status_code == 200
    assert (await service.http.get(f"{ROOT}/customers/bob", headers=service.token("sales:read"))).status_code == 403
