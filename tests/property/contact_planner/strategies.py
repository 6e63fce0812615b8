"""Random customers, managers and weeks for the properties of contact planning."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.unit.contact_planner.samples import (
    account,
    confirmed,
    consent,
    customer,
    day,
    decided,
    holding,
    known,
    kyc,
    manager,
    pending,
    rejected,
    tier,
)
from tierflow_contact_planner.domain.facts import CustomerFacts, History, NextStep
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.domain.planning import Period
from tierflow_shared.contracts.primitives import Data

TIERS = ("general", "personal", "platinum", "private")
CHANNELS = ("meeting", "phone", "email", "sms", "app", "letter")
PURPOSES = ("service", "care", "sale")
OCCUPATIONS = ("business-owner", "teacher", "employee", "retired", "homemaker", "student", None)

near = st.integers(-70, 40).map(day)
maybe_near = st.none() | near


@st.composite
def customers_updated(draw: st.DrawFn) -> Data:
    return customer(
        relationship_since=draw(maybe_near),
        occupation=draw(st.sampled_from(OCCUPATIONS)),
        origin=draw(st.sampled_from(("mainland", "hong-kong", None))),
        rent_share_percent=draw(st.none() | st.integers(0, 100)),
        preferred_channel=draw(st.none() | st.sampled_from(CHANNELS)),
        rm_id=draw(st.none() | st.just("rm-1")),
    )


def _tier(name: str, on: date, direction: Any, previous: str | None) -> Data:
    return tier(name, on, direction, previous)


events: st.SearchStrategy[Data] = st.one_of(
    customers_updated(),
    st.builds(account, near),
    st.builds(kyc, st.sampled_from(("verified", "missing", "expired", "under-review")), near, maybe_near),
    st.builds(
        consent,
        st.sampled_from(CHANNELS),
        st.sampled_from(PURPOSES),
        granted=st.booleans(),
        effective_on=near,
        valid_until=maybe_near,
        do_not_disturb_until=maybe_near,
    ),
    st.builds(
        holding,
        st.sampled_from(("deposit", "fund", "wealth")),
        value=st.sampled_from(("0", "0.00", "10")),
        as_of=near,
        matures_on=maybe_near,
        holding_id=st.sampled_from(("h1", "h2")),
    ),
    st.builds(
        _tier,
        st.sampled_from(TIERS),
        near,
        st.sampled_from(("initial", "up", "down", "status")),
        st.sampled_from((*TIERS, None)),
    ),
    st.builds(pending, st.sampled_from(("open", "cleared")), near),
    st.builds(
        decided,
        st.sampled_from(("approved", "blocked", "needs-evidence", "referred")),
        near,
        st.sampled_from(("s1", "s2")),
        st.lists(st.sampled_from(("disclosure", "recording")), max_size=2).map(tuple),
    ),
    st.builds(confirmed, near, st.sampled_from(("s1", "s2"))),
    st.builds(
        rejected,
        st.sampled_from(("blocked", "declined", "withdrawn", "expired")),
        near,
        st.sampled_from(("s1", "s2")),
    ),
)

versions = st.tuples(st.sampled_from(("t1", "t2", "t3")), st.just("/s"), st.uuids().map(str))
told = st.lists(st.tuples(events, versions), max_size=14, unique_by=lambda pair: pair[1])

histories = st.builds(
    History,
    last_reached_on=st.none() | st.integers(-40, 0).map(day),
    last_attempt_on=st.none() | st.integers(-5, 0).map(day),
    complaint_since=st.none() | st.integers(-9, 0).map(day),
    next_step=st.none() | st.builds(NextStep, st.integers(0, 9).map(day), st.just(day(-9)), st.booleans()),
)


@st.composite
def books(draw: st.DrawFn, max_size: int = 25) -> list[CustomerFacts]:
    """A book of customers, most of them due for something."""
    book = []
    for n in range(draw(st.integers(0, max_size))):
        customer_id = f"c{n:02}"
        said: list[Data] = [
            customer(
                customer_id,
                occupation=draw(st.sampled_from(OCCUPATIONS)),
                origin=draw(st.sampled_from(("hong-kong", None, None))),
            ),
            tier(draw(st.sampled_from(TIERS)), draw(st.integers(-60, 0).map(day)), customer_id=customer_id),
        ]
        if draw(st.booleans()):
            said.append(kyc(draw(st.sampled_from(("verified", "expired"))), customer_id=customer_id))
        if draw(st.booleans()):
            said.append(holding(customer_id=customer_id))
        if draw(st.booleans()):
            on, until = draw(st.integers(-9, 9).map(day)), draw(st.none() | st.integers(-3, 9).map(day))
            channel, purpose = draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(PURPOSES))
            said.append(
                consent(
                    channel,
                    purpose,
                    granted=draw(st.booleans()),
                    effective_on=on,
                    do_not_disturb_until=until,
                    customer_id=customer_id,
                )
            )
        book.append(known(*said, customer_id=customer_id, history=draw(histories)))
    return book


managers: st.SearchStrategy[Manager] = st.builds(
    manager,
    region=st.sampled_from(("CZ", "CN", "XX")),
    weekly_list=st.integers(0, 30),
    daily_reached=st.integers(0, 8),
)
periods = st.builds(lambda first, days: Period(day(first), day(first + days)), st.integers(-20, 30), st.integers(0, 15))
