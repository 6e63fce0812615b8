"""How events are cut into polls, and in which order two topics are read, changes nothing."""

import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.suitability import facts
from tests.property.suitability.service import NOW, Service, record, service
from tierflow_shared.bus.port import Record
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import BANK_REFERENCE, TYPE_OF_DATA

CUSTOMERS = ("c-1", "c-2")
Told = tuple[str, Data, datetime]


@st.composite
def events(draw: st.DrawFn) -> list[Told]:
    """Facts about two customers, their sales, products, staff and days, all at their own times."""
    made: list[Told] = []
    for number in range(draw(st.integers(1, 14))):
        time = NOW + timedelta(hours=number)
        name, customer_id = f"e-{number}", draw(st.sampled_from(CUSTOMERS))
        kind = draw(st.sampled_from(["profile", "kyc", "sale", "sale", "sale", "product", "staff", "day"]))
        made.append((name, _event(draw, kind, number, time, customer_id), time))
    return made


def _event(draw: st.DrawFn, kind: str, number: int, time: datetime, customer_id: str) -> Data:
    if kind == "profile":
        capacity = draw(st.sampled_from(["full", "none"]))
        return facts.customer(customer_id, legal_capacity=capacity)[1]
    if kind == "kyc":
        status = draw(st.sampled_from(["verified", "under-review"]))
        return facts.kyc(customer_id, status, effective_on=date(2026, 3, 1))[1]
    if kind == "product":
        category = draw(st.sampled_from(["card", "wealth"]))
        return facts.product(f"p-{category}", category=category)[1]
    if kind == "staff":
        return facts.adviser()[1]
    if kind == "day":
        return BusinessDateAdvanced(business_date=NOW.date() + timedelta(days=draw(st.sampled_from([1, 40]))))
    product_id = draw(st.sampled_from(["p-card", "p-wealth"]))
    staff_id = draw(st.sampled_from([None, "rm-1"]))
    return facts.sale_event(f"s-{number}", time, customer_id=customer_id, product_id=product_id, staff_id=staff_id)[1]


def records(told: Sequence[Told]) -> list[Record]:
    return [record(offset, *event) for offset, event in enumerate(told)]


def cut(draw: st.DataObject, items: list[Record]) -> list[list[Record]]:
    """Random polls."""
    polls: list[list[Record]] = []
    while items:
        size = draw.draw(st.integers(1, len(items)))
        polls.append(items[:size])
        items = items[size:]
    return polls


def run(polls: Sequence[Sequence[Record]]) -> tuple[str, list[object], dict[tuple[str, str], int]]:
    """Digest, everything that was said, and the counters, after these polls."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as running:
        for poll in polls:
            running.consume(poll)
        assert running.queries.verify_audit().intact
        return running.queries.digest().digest, _said(running), running.consumption()


def _said(running: Service) -> list[object]:
    return sorted(running.said(), key=repr)


@settings(max_examples=15)
@given(st.data(), events())
def test_batches_equal_one_by_one(data: st.DataObject, told: list[Told]) -> None:
    """The same decisions, the same words to the world, the same counters."""
    one_by_one = run([[one] for one in records(told)])
    assert run(cut(data, records(told))) == one_by_one


@settings(max_examples=15)
@given(st.data(), events())
def test_sending_everything_again_changes_nothing(data: st.DataObject, told: list[Told]) -> None:
    """Producers repeat themselves: one effect, and the repetitions are counted."""
    digest, said, counts = run([records(told)])
    repeated = [one for one in told if not _is_day(one)]
    again = run(cut(data, records([*told, *repeated])))
    assert (again[0], again[1]) == (digest, said)
    assert sum(n for (_, outcome), n in again[2].items() if outcome == "applied") == sum(counts.values())


def _is_day(one: Told) -> bool:
    return isinstance(one[1], BusinessDateAdvanced)


@settings(max_examples=30)
@given(st.data(), events())
def test_two_topics_may_be_read_in_any_interleaving(data: st.DataObject, told: list[Told]) -> None:
    """Products and staff come on a topic of their own, early or late: every sale ends the same.

    Each product and member of staff is told once here; what is told later about a product is a new version, which
    counts for what is decided after it.
    """
    once = _first_of_each(told)
    reference = [one for one in once if TYPE_OF_DATA[type(one[1])].topic == BANK_REFERENCE]
    others = [one for one in once if one not in reference]
    expected = run([records([*reference, *others])])
    mixed = records(_interleave(data, reference, others))
    assert run(cut(data, mixed))[0] == expected[0]


def _first_of_each(told: list[Told]) -> list[Told]:
    seen: set[object] = set()
    kept = []
    for one in told:
        name = getattr(one[1], "product_id", None) if TYPE_OF_DATA[type(one[1])].topic == BANK_REFERENCE else one[0]
        key = name or getattr(one[1], "rm_id", one[0])
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return kept


def _interleave(data: st.DataObject, left: list[Told], right: list[Told]) -> list[Told]:
    turns = data.draw(st.permutations([0] * len(left) + [1] * len(right)))
    sides = (iter(left), iter(right))
    return [next(sides[turn]) for turn in turns]
