"""More money never means a lower tier, and no tier is held without those below it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.scoring.stories import small_policies
from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.block import Block, FlowRows, Span, block_of
from tierflow_scoring.domain.flows import FLOWS, Flow
from tierflow_scoring.domain.fold import Carried, Folded, fold
from tierflow_scoring.domain.latches import fold_latches, new_latches, rules_of
from tierflow_scoring.domain.measures import points, points_of
from tierflow_scoring.domain.standing import NO_PENDING, tiers_in

POLICIES = small_policies()
DAYS = 120
FIRST = 19_700
balances = st.lists(st.integers(-5_000, 120_000), min_size=DAYS, max_size=DAYS)
more = st.lists(st.integers(0, 60_000), min_size=DAYS, max_size=DAYS)


def lives(*balances_of: list[int]) -> Block:
    """Customers who differ only in their balances: one own transaction and some inflow each, every tenth day."""
    rows = []
    for slot, balance in enumerate(balances_of):
        before = 0
        for n, value in enumerate(balance):
            flows = [0] * FLOWS
            flows[Flow.DEPOSIT], before = value - before, value
            flows[Flow.OWN] = flows[Flow.INFLOW] = int(n % 10 == 0)
            rows.append((slot, FIRST + n, tuple(flows), True))
    first = np.full(len(balances_of), FIRST, np.int64)
    return block_of(FlowRows.of(rows), Span(first, first + 30, first), FIRST + DAYS - 1, POLICIES.change_days)


def folded(block: Block) -> Folded:
    return fold(POLICIES, block, Carried.fresh(POLICIES, block.flows.shape[2]))


@given(balances, more)
@settings(max_examples=100)
def test_tiers_and_measures_never_fall_when_assets_rise(poor: list[int], extra: list[int]) -> None:
    """A customer with at least as much on every day has at least the measure and the tier, on every day."""
    rich = [balance + plus for balance, plus in zip(poor, extra, strict=True)]
    for path in folded(lives(poor, rich)).paths:
        tiers = tiers_in(path.standing)
        assert (path.measure[:, 1] >= path.measure[:, 0]).all()
        assert (tiers[:, 1] >= tiers[:, 0]).all()


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=80))
@settings(max_examples=200)
def test_a_pending_downgrade_is_kept_to_its_word(measure: list[int]) -> None:
    """If the measure stays as it is, the tier falls exactly on the due day, to the tier that was announced."""
    scheme = POLICIES.schemes[1]
    frozen = measure + [measure[-1]] * 30
    days = ints(range(FIRST, FIRST + len(frozen)))
    column: Ints = ints(frozen)[:, None]
    moves, _ = fold_latches(column, days, rules_of(scheme, days), new_latches(scheme, 1))
    at = len(measure) - 1
    announced = int(moves.pending_tier[at, 0])
    if announced == NO_PENDING:
        return
    due = int(moves.due_on[at, 0]) - FIRST
    assert at < due < len(frozen)
    tiers = moves.tier[:, 0].tolist()
    assert all(tier == tiers[at] for tier in tiers[at:due])
    assert tiers[due] == announced


@given(st.integers(-10_000, 100_000))
def test_one_value_gives_the_points_of_a_column(value: int) -> None:
    """Reasons state the same points that the measure was made of."""
    for part in POLICIES.schemes[1].versions[0].measure.parts:
        assert points_of(part, value) == points(part, ints([value]))[0]


@given(balances, st.integers(1, DAYS - 1))
@settings(max_examples=50)
def test_a_fold_cut_in_two_is_the_same_fold(balance: list[int], cut: int) -> None:
    """Folding up to a day and going on from what is carried gives what one fold gives."""
    whole = lives(balance)
    first, second = (_part(whole, slice(0, cut)), _part(whole, slice(cut, DAYS)))
    middle = folded(first)
    end = fold(POLICIES, second, middle.carried)
    at_once = folded(whole)
    for one, other in zip(end.carried.parts(), at_once.carried.parts(), strict=True):
        assert (one == other).all()


def _part(block: Block, days: slice) -> Block:
    return Block(
        block.days[days],
        block.flows[:, days],
        block.lag_30[days],
        block.lag_90[days],
        block.lag_365[:, days],
        block.span,
    )
