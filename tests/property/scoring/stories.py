"""Random stories of a small bank, with thresholds that small amounts cross."""

from datetime import timedelta
from typing import Literal

from hypothesis import strategies as st

from tests.property.scoring.bank import Said, moment, on
from tierflow_scoring.domain.days import day_of
from tierflow_scoring.domain.policy import (
    Gate,
    Measure,
    Part,
    PolicySet,
    PolicyVersion,
    Scheme,
    Service,
    Tier,
    Words,
)
from tierflow_scoring.domain.policy_rules import check
from tierflow_scoring.domain.tariffs import Tariff, Tariffs
from tierflow_shared.contracts import bank
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data, PositiveMoney
from tierflow_shared.money import decimal_text

LAST_DAY = 60
Kind = Literal["current", "savings", "loan", "card"]
Status = Literal["verified", "under-review"]
_W = Words("-", "-")
_SERVICE = Service(_W, _W, _W, _W, ())
_CHANNELS = ("branch", "atm", "card", "online", "mobile", "phone", "standing-order", "system")


def tiers(*rows: tuple[str, int, int]) -> tuple[Tier, ...]:
    """Tiers from (name, enter, exit)."""
    return tuple(Tier(name, _W, enter, leave, _SERVICE) for name, enter, leave in rows)


def assets_version(version: str, start: int, grace: int, stay: int, scale: int) -> PolicyVersion:
    """Assets at the end of the day, in thresholds of `scale` minor units."""
    rungs = tiers(("low", 0, 0), ("mid", scale, scale * 8 // 10), ("high", 3 * scale, 2 * scale))
    measure = Measure("aum_end_of_day", "money", "aum_end_of_day")
    return PolicyVersion("assets", version, day_of(on(start)), _W, measure, rungs, grace, stay)


def small_policies() -> PolicySet:
    """Two schemes with short waits, and a second version of each that takes over in the middle."""
    parts = (
        Part("amount", "aum_average_30d", 60, ((0, 0), (20_000, 6_000), (60_000, 10_000))),
        Part("contribution", "profit_365d", 20, ((0, 0), (3_000, 10_000))),
        Part("breadth", "products_held", 20, ((0, 0), (3, 10_000))),
    )
    points = Measure("composite", "points", None, parts, Gate("frequency_365d", 1))
    rungs = tiers(("D", 0, 0), ("C", 800, 500), ("B", 2_500, 2_000), ("A", 5_000, 4_500))
    composite = [
        PolicyVersion("points", "1", 0, _W, points, rungs, 5, 8),
        PolicyVersion("points", "2", day_of(on(35)), _W, points, rungs, 2, 3),
    ]
    assets = [assets_version("1", -9_000, 4, 10, 30_000), assets_version("2", 30, 7, 6, 25_000)]
    cost = dict.fromkeys(_CHANNELS, 50) | {"branch": 300}
    tariffs = Tariffs([Tariff(0, 15_000, 30_000, cost), Tariff(day_of(on(25)), 9_000, 50_000, cost | {"atm": 70})])
    return check(PolicySet("small", [Scheme("assets", assets), Scheme("points", composite)], tariffs, 1))


days = st.integers(0, LAST_DAY)
customers = st.sampled_from(["ann", "bob", "eve"])
amounts = st.integers(1, 60_000).map(lambda minor: PositiveMoney(value=decimal_text(minor, "CZK"), currency="CZK"))


@st.composite
def bookings(draw: st.DrawFn) -> bank.TransactionPosted:
    """A booking on one of a customer's three accounts."""
    customer = draw(customers)
    return bank.TransactionPosted(
        transaction_id=f"t{draw(st.integers(0, 10**9))}",
        customer_id=customer,
        account_id=f"{customer}/{draw(st.integers(1, 3))}",
        amount=draw(amounts),
        direction=draw(st.sampled_from(["credit", "credit", "debit"])),
        booking_date=on(draw(days)),
        channel=draw(st.sampled_from(_CHANNELS)),
        purpose=draw(st.sampled_from(["cash", "transfer", "salary", "fee", "interest", "penalty-interest"])),
    )


@st.composite
def facts(draw: st.DrawFn) -> Data:
    """What the bank knows about a customer beside bookings."""
    customer, day = draw(customers), draw(st.integers(-20, LAST_DAY + 10))
    match draw(st.sampled_from(["account", "closed", "kyc", "kyc", "holding", "holding", "customer"])):
        case "account":
            kind: Kind = draw(st.sampled_from(["current", "savings", "loan", "card"]))
            account = f"{customer}/{draw(st.integers(1, 3))}"
            return bank.AccountOpened(
                account_id=account, customer_id=customer, kind=kind, currency="CZK", opened_on=on(day)
            )
        case "closed":
            account = f"{customer}/{draw(st.integers(1, 3))}"
            return bank.AccountClosed(account_id=account, customer_id=customer, closed_on=on(day))
        case "kyc":
            status: Status = draw(st.sampled_from(["verified", "verified", "under-review"]))
            until = draw(st.none() | st.integers(0, 40).map(lambda more: on(day + more)))
            return bank.KycUpdated(customer_id=customer, status=status, effective_on=on(day), valid_until=until)
        case "holding":
            holding = f"h{draw(st.integers(1, 2))}-{customer}"
            value = draw(amounts | st.just(PositiveMoney(value="0", currency="CZK")))
            return bank.HoldingUpdated(
                holding_id=holding, customer_id=customer, product_id="p", category="fund", value=value, as_of=on(day)
            )
        case _:
            since = draw(st.none() | st.integers(0, 400).map(lambda before: on(day) - timedelta(days=before)))
            return bank.CustomerUpdated(customer_id=customer, kind="person", relationship_since=since)


@st.composite
def stories(draw: st.DrawFn) -> list[Said]:
    """Bookings, some of them reversed, and facts; each with its own time and id, in a random order."""
    booked = draw(st.lists(bookings(), min_size=1, max_size=14, unique_by=lambda row: row.transaction_id))
    reversed_ = draw(st.lists(st.sampled_from(booked), max_size=3, unique_by=lambda row: row.transaction_id))
    data: list[Data] = [*booked, *(_reversal(row) for row in reversed_), *draw(st.lists(facts(), max_size=8))]
    times = draw(st.permutations(range(len(data))))
    said = [Said(one, moment(0) + timedelta(minutes=at), f"e{at}") for one, at in zip(data, times, strict=True)]
    return list(draw(st.permutations(said)))


def closing(said: list[Said]) -> list[Said]:
    """The story, and at its end the word that all its days are over."""
    over = BusinessDateAdvanced(business_date=on(LAST_DAY + 2))
    return [*said, Said(over, moment(LAST_DAY), "the-end")]


def _reversal(row: bank.TransactionPosted) -> bank.TransactionReversed:
    return bank.TransactionReversed(
        transaction_id=row.transaction_id,
        customer_id=row.customer_id,
        account_id=row.account_id,
        amount=row.amount,
        direction=row.direction,
        booking_date=row.booking_date,
        channel=row.channel,
        purpose=row.purpose,
        reversed_on=row.booking_date,
    )
