"""What is known of a customer: registers and the moment they are looked at."""

from datetime import UTC, date, datetime

import pytest

from tests.unit.suitability.build import cny
from tierflow_shared.contracts.bank import CustomerUpdated, HoldingUpdated, KycUpdated, Personal, ProductUpdated
from tierflow_suitability.domain.customers import (
    Customer,
    Version,
    facts_of,
    with_holding,
    with_kyc,
    with_profile,
)
from tierflow_suitability.domain.reference import Versioned, as_of, with_version

AT, ON = datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2)


def version(day: int, event_id: str = "e") -> Version:
    return (datetime(2026, 1, day, tzinfo=UTC).isoformat(), "/bank", event_id)


def kyc(status: str, effective_on: date) -> KycUpdated:
    return KycUpdated(customer_id="c", status=status, effective_on=effective_on)  # type: ignore[arg-type]


def status_on(customer: Customer, on: date) -> str | None:
    return facts_of(customer, [], AT, on).kyc_status


def test_nothing_known_is_said_to_be_unknown() -> None:
    """Empty registers give no age, no status, no money."""
    facts = facts_of(Customer(), [], AT, ON)
    assert (facts.known, facts.age, facts.kyc_status, facts.holdings) == (False, None, None, ())


def test_an_older_profile_changes_nothing() -> None:
    """The newest event wins, whatever the order of arrival."""
    newer = with_profile(Customer(), version(2), CustomerUpdated(customer_id="c", kind="company"))
    assert with_profile(newer, version(1), CustomerUpdated(customer_id="c", kind="person")) == newer


def test_a_profile_without_personal_fields_keeps_the_birth_date() -> None:
    """The newest profile that has personal fields says when the customer was born."""
    born = Personal(birth_date=date(1961, 3, 2))
    first = with_profile(Customer(), version(1), CustomerUpdated(customer_id="c", kind="person", personal=born))
    second = with_profile(first, version(2), CustomerUpdated(customer_id="c", kind="person"))
    assert facts_of(second, [], AT, ON).age == 65
    erased = with_profile(second, version(3), CustomerUpdated(customer_id="c", kind="person", personal=Personal()))
    assert facts_of(erased, [], AT, ON).age is None


def test_due_diligence_counts_from_its_day_on() -> None:
    """A statement for a later day leaves the earlier one in force until then."""
    customer = with_kyc(Customer(), version(1), kyc("verified", date(2026, 1, 1)))
    customer = with_kyc(customer, version(2), kyc("expired", date(2026, 3, 1)))
    assert status_on(customer, date(2025, 12, 31)) is None
    assert status_on(customer, date(2026, 2, 28)) == "verified"
    assert status_on(customer, date(2026, 3, 1)) == "expired"


def test_a_correction_for_earlier_days_replaces_what_it_covers() -> None:
    """Said later, effective earlier: it holds for all days from then on."""
    customer = with_kyc(Customer(), version(1), kyc("verified", date(2026, 2, 1)))
    customer = with_kyc(customer, version(2), kyc("under-review", date(2026, 1, 15)))
    assert len(customer.kyc) == 1
    assert status_on(customer, date(2026, 2, 1)) == "under-review"


def test_holdings_add_up_by_currency_and_debts_do_not_count() -> None:
    """What is owed is no asset, and what is valued later is not known yet."""
    customer = Customer()
    for number, (category, value, day) in enumerate(
        [("wealth", "100.50", 1), ("fund", "200", 1), ("loan", "999", 1), ("wealth", "50", 9)]
    ):
        holding = HoldingUpdated(
            holding_id=f"h-{number}", customer_id="c", product_id="p", category=category,  # type: ignore[arg-type]
            value=cny(value), as_of=date(2026, 3, day),
        )  # fmt: skip
        customer = with_holding(customer, version(number + 1), holding)
    assert facts_of(customer, [], AT, ON).holdings == (cny("300.50"),)


@pytest.mark.parametrize(("day", "name"), [(1, "first"), (2, "first"), (3, "second"), (9, "second")])
def test_a_product_is_taken_as_it_held_at_the_moment(day: int, name: str) -> None:
    """Before the first statement the first one holds."""
    versions: tuple[Versioned[ProductUpdated], ...] = ()
    for told_on, told in ((3, "second"), (2, "first"), (2, "first")):
        product = ProductUpdated(
            product_id="p", name=told, category="card", issuer_risk_level=1, seller_risk_level=1,
            currency="CNY", on_sale_from=ON,
        )  # fmt: skip
        time = datetime(2026, 1, told_on, tzinfo=UTC)
        versions = with_version(versions, Versioned(version(told_on, told), time, product))
    held = as_of(versions, datetime(2026, 1, day, tzinfo=UTC))
    assert len(versions) == 2
    assert held is not None
    assert held.name == name
    assert as_of((), AT) is None
