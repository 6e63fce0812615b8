"""The assignment equals the best of all assignments, tried one by one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contact_planner.samples import POLICY, day
from tierflow_contact_planner.domain.assignment import Job, Scale, assign, cost, heaviest
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.slots import Bin, Capacity, Slot
from tierflow_contact_planner.domain.workdays import week_of

bins: st.SearchStrategy[Bin] = st.sampled_from(("familiar", "unfamiliar", "flexible"))
slots = st.builds(Slot, st.integers(0, 8).map(day), bins)


@st.composite
def jobs(draw: st.DrawFn, contact_id: str) -> Job:
    first = draw(st.integers(0, 8))
    last = draw(st.integers(first, 8))
    return Job(
        contact_id=contact_id,
        first=day(first),
        last=day(last),
        target=day(draw(st.integers(first, last))),
        weight=draw(st.sampled_from((0, 100, 250, 500, 1000))),
        is_familiar=draw(st.booleans()),
        committed_on=draw(st.none() | st.integers(first, last).map(day)),
    )


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Job], Capacity]:
    chosen = [draw(jobs(f"ct-{n}")) for n in range(draw(st.integers(0, 4)))]
    places = sorted(draw(st.lists(slots, max_size=5)))
    weeks = {week_of(slot.day) for slot in places}
    held = Counter(week_of(slot.day) for slot in places)
    return chosen, Capacity(tuple(places), {week: draw(st.integers(0, held[week] + 1)) for week in weeks})


def all_assignments(jobs: Sequence[Job], capacity: Capacity, policy: Policy) -> Iterator[dict[str, Slot]]:
    """Every way to give jobs allowed slots within the weekly limits."""

    def extend(rest: Sequence[Job], free: tuple[Slot, ...], so_far: dict[str, Slot]) -> Iterator[dict[str, Slot]]:
        if not rest:
            weeks = Counter(week_of(slot.day) for slot in so_far.values())
            if all(count <= capacity.weekly_limit[week] for week, count in weeks.items()):
                yield dict(so_far)
            return
        yield from extend(rest[1:], free, so_far)
        for index, slot in enumerate(free):
            if cost(rest[0], slot, Scale.of(policy), policy) < 0:
                others = (*free[:index], *free[index + 1 :])
                yield from extend(rest[1:], others, {**so_far, rest[0].contact_id: slot})

    return extend(jobs, capacity.slots, {})


def total(assignment: dict[str, Slot], jobs: Sequence[Job], policy: Policy) -> int:
    by_id = {job.contact_id: job for job in jobs}
    return sum(cost(by_id[one], slot, Scale.of(policy), policy) for one, slot in assignment.items())


@given(problems(), st.sampled_from(("target", "limit")))
def test_the_assignment_is_the_optimum(problem: tuple[list[Job], Capacity], ratio: Literal["target", "limit"]) -> None:
    """Against brute force; and it keeps slots and weekly limits."""
    chosen, capacity = problem
    policy = replace(POLICY, capacity=replace(POLICY.capacity, ratio=ratio))
    found = assign(chosen, capacity, policy)
    best = min(total(one, chosen, policy) for one in all_assignments(chosen, capacity, policy))
    assert total(found, chosen, policy) == best
    assert not Counter(found.values()) - Counter(capacity.slots)
    weeks = Counter(week_of(slot.day) for slot in found.values())
    assert all(count <= capacity.weekly_limit[week] for week, count in weeks.items())


@given(jobs("ct-1"), slots, st.sampled_from(("target", "limit")))
def test_a_greater_aim_outweighs_all_smaller_ones(job: Job, slot: Slot, ratio: Literal["target", "limit"]) -> None:
    """Being placed beats any mismatch, and one step of weight any number of days."""
    policy = replace(POLICY, capacity=replace(POLICY.capacity, ratio=ratio))
    scale = Scale.of(policy)
    assert job.weight <= heaviest(policy)
    if cost(job, slot, scale, policy) < 0:
        heavier = replace(job, weight=job.weight + 1, target=slot.day, committed_on=None)
        assert cost(heavier, slot, scale, policy) < cost(job, slot, scale, policy)
    else:
        assert cost(job, slot, scale, policy) == 0
