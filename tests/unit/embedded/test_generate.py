"""The synthetic bank: the same seed gives the same bytes, in order of time, with books that add up."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import pytest

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.questionnaire import Answered
from tierflow_embedded.generate.stream import bank_events, bank_stream
from tierflow_shared.contracts.bank import (
    AccountOpened,
    HoldingUpdated,
    KycUpdated,
    SaleRequested,
    TransactionPosted,
    TransactionReversed,
)
from tierflow_shared.contracts.registry import INBOUND_TYPES
from tierflow_shared.money import minor_units

PLAN = BankPlan(seed=7, customers=160, days=500)


@pytest.fixture(scope="module")
def events() -> list[Envelope]:
    return list(bank_events(PLAN))


def _digest(plan: BankPlan) -> str:
    digest = hashlib.sha256()
    for event in bank_events(plan):
        digest.update(event.json())
    return digest.hexdigest()


def test_the_same_plan_gives_byte_identical_streams() -> None:
    plan = BankPlan(seed=3, customers=40, days=120)
    assert _digest(plan) == _digest(plan)
    assert _digest(plan) != _digest(BankPlan(seed=4, customers=40, days=120))


def test_events_come_in_order_of_time_with_reference_data_first(events: list[Envelope]) -> None:
    assert all(earlier.time <= later.time for earlier, later in pairwise(events))
    reference = [event.is_reference for event in events]
    assert reference == sorted(reference, reverse=True)


def test_event_ids_are_unique_within_the_source(events: list[Envelope]) -> None:
    assert len({(event.source, event.id) for event in events}) == len(events)


def test_every_event_is_an_inbound_type_and_the_important_ones_occur(events: list[Envelope]) -> None:
    kinds = Counter(event.type for event in events)
    assert set(kinds) <= INBOUND_TYPES
    assert kinds["bank.transaction.reversed.v1"] > 0
    assert kinds["bank.sale.requested.v1"] > PLAN.customers // 3


def test_an_account_opens_before_it_is_booked_and_is_never_overdrawn(events: list[Envelope]) -> None:
    balances: dict[str, int] = {}
    for data in (event.data for event in events):
        if isinstance(data, AccountOpened):
            balances[data.account_id] = 0
        elif isinstance(data, TransactionPosted | TransactionReversed):
            minor = minor_units(data.amount.value, data.amount.currency)
            rises = (data.direction == "credit") is isinstance(data, TransactionPosted)
            balances[data.account_id] += minor if rises else -minor
    overdrawn = {account: balance for account, balance in balances.items() if balance < 0}
    assert overdrawn == {}


def test_a_reversal_repeats_a_posted_transaction_and_comes_after_it(events: list[Envelope]) -> None:
    posted: dict[str, TransactionPosted] = {}
    for data in (event.data for event in events):
        if isinstance(data, TransactionPosted):
            posted[data.transaction_id] = data
        elif isinstance(data, TransactionReversed):
            original = posted[data.transaction_id]
            assert (data.amount, data.account_id, data.booking_date) == (
                original.amount,
                original.account_id,
                original.booking_date,
            )
            assert data.reversed_on > original.booking_date


def test_some_bookings_are_back_dated_but_never_before_the_account(events: list[Envelope]) -> None:
    opened = {e.data.account_id: e.data.opened_on for e in events if isinstance(e.data, AccountOpened)}
    late = [
        (event.time.date() - event.data.booking_date, event.data)
        for event in events
        if isinstance(event.data, TransactionPosted)
    ]
    assert max(days for days, _ in late) > timedelta(0)
    assert min(days for days, _ in late) == timedelta(0)
    assert all(data.booking_date >= opened[data.account_id] for _, data in late)


def test_the_money_crosses_every_threshold_of_private_banking_in_both_directions(events: list[Envelope]) -> None:
    thresholds = (100_000_00, 1_000_000_00, 8_000_000_00)
    grades: dict[str, list[int]] = {}
    for customer, total in _totals(events):
        grade = sum(total >= threshold for threshold in thresholds)
        path = grades.setdefault(customer, [grade])
        if path[-1] != grade:
            path.append(grade)
    steps = {step for path in grades.values() for step in pairwise(path)}
    assert {(0, 1), (1, 2), (2, 3), (2, 1), (1, 0)} <= steps


def _totals(events: list[Envelope]) -> Iterator[tuple[str, int]]:
    """After each booking or valuation: the customer and all of its money."""
    cash: Counter[str] = Counter()
    held: dict[str, int] = {}
    for data in (event.data for event in events):
        if isinstance(data, TransactionPosted | TransactionReversed):
            minor = minor_units(data.amount.value, data.amount.currency)
            rises = (data.direction == "credit") is isinstance(data, TransactionPosted)
            cash[data.customer_id] += minor if rises else -minor
        elif isinstance(data, HoldingUpdated):
            held[data.customer_id] = minor_units(data.value.value, data.value.currency)
        else:
            continue
        yield data.customer_id, cash[data.customer_id] + held.get(data.customer_id, 0)


def test_due_diligence_is_verified_missing_and_expiring(events: list[Envelope]) -> None:
    checks = [event.data for event in events if isinstance(event.data, KycUpdated)]
    assert {"verified", "missing"} <= {check.status for check in checks}
    assert any(check.valid_until and check.valid_until <= PLAN.end + timedelta(days=45) for check in checks)


def test_sales_are_asked_for_with_and_without_documents_in_the_last_months(events: list[Envelope]) -> None:
    sales = [event.data for event in events if isinstance(event.data, SaleRequested)]
    kinds = {tuple(sorted(document.kind for document in sale.evidence)) for sale in sales}
    assert () in kinds
    assert ("disclosure", "match-opinion") in kinds
    assert min(sale.requested_at.date() for sale in sales) >= PLAN.day(PLAN.sales_from)


def test_answers_lie_before_the_sales_and_some_are_too_old(events: list[Envelope]) -> None:
    answers = [item for item in bank_stream(PLAN) if isinstance(item, Answered)]
    days = sorted({answer.moment.date() for answer in answers})
    assert days[0] <= PLAN.end - timedelta(days=366)
    assert days[1] < PLAN.day(PLAN.sales_from)
    assert len({tuple(answer.answers.values()) for answer in answers}) > 20
    assert len(answers) < len({e.data.customer_id for e in events if isinstance(e.data, AccountOpened)})


def test_a_larger_bank_is_no_longer_in_memory_than_a_day() -> None:
    """The stream starts at once, however long the span: nothing is drawn ahead of its day."""
    stream = bank_events(BankPlan(seed=1, customers=50, days=3_660))
    first_days = {next(stream).time.date() for _ in range(300)}
    assert max(first_days) < BankPlan(seed=1, customers=50, days=3_660).start + timedelta(days=30)


@pytest.mark.parametrize(
    ("seed", "customers", "days"), [(-1, 10, 10), (2**32, 10, 10), (1, 0, 10), (1, 10, 0), (1, 10, 4_000)]
)
def test_a_plan_outside_its_limits_is_refused(seed: int, customers: int, days: int) -> None:
    with pytest.raises(ValueError, match="lie"):
        BankPlan(seed=seed, customers=customers, days=days)


def test_a_bank_of_one_customer_and_one_day_exists() -> None:
    events = list(bank_events(BankPlan(seed=1, customers=1, days=1, end=date(2026, 6, 30))))
    assert Counter(event.type for event in events)["bank.account.opened.v1"] >= 1
