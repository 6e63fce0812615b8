"""Customers, events and policies for tests of the contact planner: short words for what a test is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from tierflow_contact_planner.adapters.policy_files import load_policy
from tierflow_contact_planner.domain.facts import CustomerFacts, History
from tierflow_contact_planner.domain.learning import learn
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.reasons import Reason, reasons_on
from tierflow_shared.contracts.bank import (
    AccountOpened,
    ConsentUpdated,
    CustomerUpdated,
    HoldingUpdated,
    KycUpdated,
    RmUpdated,
)
from tierflow_shared.contracts.outcomes import (
    Finding,
    SaleConfirmed,
    SaleDecided,
    SaleRejected,
    TierChanged,
    TierPending,
)
from tierflow_shared.contracts.primitives import Data, PositiveMoney

POLICY: Policy = load_policy("standard-2026-01")
MONDAY = date(2026, 3, 2)
LONG_AGO = date(2020, 1, 1)
SCHEME = "private-bank"


def day(offset: int) -> date:
    """The day so many days after the Monday the tests live on."""
    return MONDAY + timedelta(days=offset)


def at(on: date, hour: int = 10) -> datetime:
    return datetime.combine(on, time(hour), UTC)


def version(number: int) -> tuple[str, str, str]:
    return (f"2026-01-01T00:00:00.{number:06d}+00:00", "/test", f"e{number}")


def known(*said: Data, customer_id: str = "c1", history: History | None = None) -> CustomerFacts:
    """A customer about whom these events were told, in this order of time."""
    facts = CustomerFacts(customer_id)
    for number, data in zip(count(), said):
        facts = learn(facts, data, version(number))
    return facts if history is None else replace(facts, history=history)


def customer(customer_id: str = "c1", **fields: Any) -> CustomerUpdated:
    return CustomerUpdated(customer_id=customer_id, kind="person", **{"relationship_since": LONG_AGO, **fields})


def account(opened_on: date, customer_id: str = "c1") -> AccountOpened:
    return AccountOpened(
        account_id=f"a-{opened_on}", customer_id=customer_id, kind="current", currency="CZK", opened_on=opened_on
    )


def kyc(
    status: Any = "verified", effective_on: date = LONG_AGO, valid_until: date | None = None, customer_id: str = "c1"
) -> KycUpdated:
    return KycUpdated(customer_id=customer_id, status=status, effective_on=effective_on, valid_until=valid_until)


def consent(
    channel: Any, purpose: Any, *, granted: bool = True, customer_id: str = "c1", **fields: Any
) -> ConsentUpdated:
    fields = {"effective_on": LONG_AGO, **fields}
    return ConsentUpdated(customer_id=customer_id, channel=channel, purpose=purpose, granted=granted, **fields)


def holding(
    category: Any = "fund",
    *,
    value: str = "1000",
    as_of: date = LONG_AGO,
    matures_on: date | None = None,
    holding_id: str = "h1",
    customer_id: str = "c1",
) -> HoldingUpdated:
    return HoldingUpdated(
        holding_id=holding_id,
        customer_id=customer_id,
        product_id="p1",
        category=category,
        value=PositiveMoney(value=value, currency="CZK"),
        as_of=as_of,
        matures_on=matures_on,
    )


def tier(
    name: str,
    effective_on: date = LONG_AGO,
    direction: Any = "initial",
    previous: str | None = None,
    customer_id: str = "c1",
    scheme: str = SCHEME,
) -> TierChanged:
    return TierChanged(
        customer_id=customer_id,
        scheme=scheme,
        tier=name,
        previous_tier=previous,
        direction=direction,
        provisional=False,
        effective_on=effective_on,
        policy_version="p-1",
    )


def pending(
    state: Any = "open", since: date = MONDAY, due_on: date | None = None, customer_id: str = "c1"
) -> TierPending:
    return TierPending(
        customer_id=customer_id,
        scheme=SCHEME,
        tier="platinum",
        pending_tier="personal",
        state=state,
        since=since,
        due_on=due_on or since + timedelta(days=90),
        measure="aum",
        shortfall="12000.00 CZK",
        policy_version="p-1",
    )


def decided(outcome: Any, on: date = MONDAY, sale_id: str = "s1", needs: tuple[str, ...] = ()) -> SaleDecided:
    finding = Finding(rule_id="r", article="31", verdict="refer", message="m", needs=needs)
    return SaleDecided(
        sale_id=sale_id,
        decision_id="d1",
        customer_id="c1",
        product_id="p1",
        amount=PositiveMoney(value="1", currency="CZK"),
        outcome=outcome,
        pack="cn-nfra",
        pack_version="1",
        pack_hash="h",
        decided_on=on,
        findings=(finding,),
    )


def confirmed(on: date = MONDAY, sale_id: str = "s1") -> SaleConfirmed:
    return SaleConfirmed(
        sale_id=sale_id,
        decision_id="d1",
        customer_id="c1",
        product_id="p1",
        amount=PositiveMoney(value="1", currency="CZK"),
        confirmed_at=at(on),
        confirmed_by="rm-1",
    )


def rejected(reason: Any = "blocked", on: date = MONDAY, sale_id: str = "s1") -> SaleRejected:
    return SaleRejected(sale_id=sale_id, customer_id="c1", product_id="p1", reason=reason, rejected_at=at(on))


def manager(rm_id: str = "rm-1", **fields: Any) -> Manager:
    defaults: dict[str, Any] = {
        "version": version(0),
        "role": "platinum",
        "region": "CZ",
        "is_active": True,
        "weekly_list": 100,
        "daily_reached": 20,
    }
    return Manager(rm_id=rm_id, **{**defaults, **fields})


def rm_updated(rm_id: str = "rm-1", **fields: Any) -> RmUpdated:
    return RmUpdated(rm_id=rm_id, **{"role": "platinum", "region": "CZ", **fields})


def reasons(facts: CustomerFacts, on: date = MONDAY) -> dict[str, Reason]:
    """The reasons of a day by kind."""
    return {reason.kind: reason for reason in reasons_on(facts, on, POLICY)}
