"""The latch rule on the worked example of docs/services/scoring.md, and its edges."""

from tests.property.scoring.stories import assets_version
from tierflow_scoring.domain.arrays import ints
from tierflow_scoring.domain.latches import Moves, fold_latches, new_latches, rules_of
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.domain.standing import NO_PENDING, Pending, Standing, pack, unpack

# enter mid at 100, high at 300; leave mid below 80, high below 200; grace 4 days, stay 10 days.
SCHEME = Scheme("assets", [assets_version("1", -9_000, 4, 10, 100)])


def path(*measures: int) -> Moves:
    """The path of one customer from day 1 on."""
    days = ints(range(1, len(measures) + 1))
    moves, _ = fold_latches(ints(measures)[:, None], days, rules_of(SCHEME, days), new_latches(SCHEME, 1))
    return moves


def tiers(*measures: int) -> list[int]:
    return [int(tier) for tier in path(*measures).tier[:, 0]]


def test_upgrades_come_at_once_and_may_skip_a_tier() -> None:
    """The day the measure reaches a threshold is the day of the tier."""
    assert tiers(0, 99, 100, 300) == [0, 0, 1, 2]
    assert tiers(0, 300) == [0, 2]


def test_between_exit_and_enter_nothing_moves() -> None:
    """A tier once reached is kept down to its exit threshold, for ever."""
    assert tiers(100, *[80] * 60) == [1] * 61


def test_a_downgrade_waits_for_grace_and_for_the_minimum_stay() -> None:
    """Below exit since day 2: grace ends after day 5, the stay after day 10, so day 11 is the day."""
    assert tiers(100, *[79] * 12) == [1] * 10 + [0] * 3


def test_grace_alone_counts_after_a_long_stay() -> None:
    """Kept on day 20 for the last time: more than four days later is day 25."""
    assert tiers(100, *[80] * 19, *[79] * 8) == [1] * 24 + [0] * 4


def test_a_recovery_above_exit_restarts_the_grace() -> None:
    """One day at the exit threshold is enough to keep the tier for another grace period."""
    assert tiers(100, *[80] * 19, *[79] * 3, 80, *[79] * 5) == [1] * 28 + [0]


def test_a_fall_through_all_thresholds_lands_on_the_highest_rung_still_held() -> None:
    """High falls to mid while mid's own measure suffices, and to the lowest when it does not."""
    assert tiers(300, *[80] * 12) == [2] * 10 + [1] * 3
    assert tiers(300, *[10] * 12) == [2] * 10 + [0] * 3


def test_a_pending_downgrade_is_visible_with_its_day() -> None:
    """From the first day below exit on, until it happens or the measure recovers."""
    moves = path(300, 250, 150, 150, 250)
    assert moves.pending_tier[:, 0].tolist() == [NO_PENDING, NO_PENDING, 1, 1, NO_PENDING]
    assert (int(moves.since[2, 0]), int(moves.due_on[2, 0])) == (3, 11)


def test_a_standing_survives_packing() -> None:
    """All fields come back out of the integer."""
    for standing in (
        Standing(0, False, None, 0),
        Standing(14, True, Pending(3, 19_723, 19_830), 255),
        Standing(2, True, Pending(0, 1, 1_000_000), 7),
    ):
        assert unpack(pack(standing)) == standing
    assert unpack(0) is None
