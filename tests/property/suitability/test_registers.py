"""What is known of a customer is a function of the set of events."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suitability.build import cny
from tierflow_shared.contracts.bank import CustomerUpdated, HoldingUpdated, KycUpdated, Personal
from tierflow_suitability.domain.customers import (
    Customer,
    Version,
    facts_of,
    with_holding,
    with_kyc,
    with_profile,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = st.integers(0, 6).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
News = tuple[Version, CustomerUpdated | KycUpdated | HoldingUpdated]

profiles = st.builds(
    lambda kind, personal: CustomerUpdated(customer_id="c", kind=kind, personal=personal),
    st.sampled_from(["person", "company"]),
    st.none() | st.builds(Personal, birth_date=st.none() | st.dates(date(1940, 1, 1), date(2000, 1, 1))),
)
statements = st.builds(
    lambda status, day: KycUpdated(customer_id="c", status=status, effective_on=day),
    st.sampled_from(["verified", "missing", "expired"]),
    DAYS,
)
holdings = st.builds(
    lambda number, value, day: HoldingUpdated(
        holding_id=f"h-{number}", customer_id="c", product_id="p", category="wealth", value=cny(str(value)), as_of=day
    ),
    st.integers(1, 2),
    st.integers(0, 9),
    DAYS,
)


@st.composite
def news(draw: st.DrawFn) -> list[News]:
    told = draw(st.lists(profiles | statements | holdings, max_size=12))
    times = draw(st.lists(st.integers(0, 4), min_size=len(told), max_size=len(told)))
    return [
        (((START + timedelta(hours=hour)).isoformat(), "/bank", f"e-{number}"), data)
        for number, (hour, data) in enumerate(zip(times, told, strict=True))
    ]


def told(events: list[News]) -> Customer:
    customer = Customer()
    for version, data in events:
        if isinstance(data, CustomerUpdated):
            customer = with_profile(customer, version, data)
        elif isinstance(data, KycUpdated):
            customer = with_kyc(customer, version, data)
        else:
            customer = with_holding(customer, version, data)
    return customer


@given(st.data(), news())
def test_order_and_repetition_do_not_matter(data: st.DataObject, events: list[News]) -> None:
    """Shuffled and told twice, the customer is the same."""
    again = data.draw(
        st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)) if events else st.just([]))])
    )
    assert told(again) == told(events)


@given(news(), DAYS)
def test_due_diligence_is_what_was_said_last_about_the_day(events: list[News], day: date) -> None:
    """Equal to looking through everything that was ever said."""
    said = [(version, data) for version, data in events if isinstance(data, KycUpdated) and data.effective_on <= day]
    expected = max(said, key=lambda one: one[0])[1].status if said else None
    assert facts_of(told(events), [], START, day).kyc_status == expected
