"""A day that is closed in portions, with events, restarts and crashes in between, comes to the same as in one piece."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.scoring.bank import Said, records
from tests.property.scoring.harness import Scoring, Told
from tests.property.scoring.many import a_day_of_many, customer_of
from tests.property.scoring.stories import closing, small_policies, stories
from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.ports import ClosingRow
from tierflow_shared.bus.port import Record

POLICIES = small_policies()
cuts = st.lists(st.integers(1, 30), max_size=8)
turns = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["go on", "restart", "crash"])), min_size=1, max_size=8)


class CrashedError(Exception):
    """The process dies before its commit."""


def by_customer(told: Sequence[Told]) -> dict[str, list[Told]]:
    """What was said about each customer, in order."""
    result: dict[str, list[Told]] = {}
    for one in told:
        result.setdefault(customer_of(one), []).append(one)
    return result


def crash(scoring: Scoring) -> None:
    """A portion is done but never committed; a new process takes over."""
    lost_portion(scoring)
    scoring.restart()


def lost_portion(scoring: Scoring) -> ClosingRow | None:
    """A portion that is rolled back. Returns the progress that was in its transaction."""
    try:
        with scoring.database.writing() as uow:
            scoring.handler.continue_unfinished(uow, scoring.handler.unfinished())
            row = SqlRepository(uow.connection).closing(0)
            raise CrashedError
    except CrashedError:
        return row


def play(scoring: Scoring, log: Sequence[Record], batches: Sequence[int], plan: Sequence[tuple[int, str]]) -> None:
    """The log in batches; behind each some portions, and whatever befalls the process."""
    places = sorted({0, *(cut for cut in batches if 0 < cut < len(log)), len(log)})
    for n, (start, end) in enumerate(pairwise(places)):
        scoring.process(log[start:end])
        portions, then = plan[n % len(plan)]
        scoring.continue_unfinished(portions)
        if then == "restart":
            scoring.restart()
        elif then == "crash":
            crash(scoring)
        assert scoring.digest().paths_differing == 0, "nothing half closed counts as closed"
    scoring.continue_unfinished()


def is_same(scoring: Scoring, whole: Scoring) -> bool:
    """Messages with their ids by customer, stored paths, what was published, and the digest."""
    return (
        by_customer(scoring.told()) == by_customer(whole.told())
        and scoring.paths() == whole.paths()
        and scoring.published() == whole.published()
        and scoring.digest() == whole.digest()
    )


@given(stories(), cuts, turns, st.integers(1, 2))
@settings(max_examples=50)
def test_portions_come_to_the_same_as_one_piece(
    said: list[Said], batches: list[int], plan: list[tuple[int, str]], portion: int
) -> None:
    """Whatever the cuts are: the same messages in the same order for each customer, the same paths."""
    log = records(closing(said))
    with Scoring(POLICIES) as whole, Scoring(POLICIES, closing_portion=portion) as cut:
        whole.process(log)
        play(cut, log, batches, plan)
        assert by_customer(cut.told()) == by_customer(whole.told())
        assert is_same(cut, whole)


@pytest.mark.parametrize("portion", [1, 3, 7])
@pytest.mark.parametrize("then", ["go on", "restart", "crash"])
def test_a_day_of_many_customers(portion: int, then: str) -> None:
    """Forty customers who all have news; between the portions some of them rise, book late, or are new."""
    log = a_day_of_many()
    with Scoring(POLICIES) as whole, Scoring(POLICIES, closing_portion=portion) as cut:
        whole.process(log)
        play(cut, log, range(len(log)), [(1, then), (0, "go on"), (2, then)])
        assert is_same(cut, whole)


def test_what_is_not_written_yet_is_not_read_as_closed() -> None:
    """While customers wait, the day before the closing is the last closed one."""
    log = a_day_of_many()
    with Scoring(POLICIES, closing_portion=1) as scoring:
        seen: list[tuple[int, int | None]] = []
        for record in log:
            scoring.process([record])
            with scoring.database.reading() as connection:
                repository = SqlRepository(connection)
                row, closed = repository.closing(0), repository.closed_days().get(0)
                assert bool(row) == bool(scoring.handler.unfinished()) == bool(repository.partitions_closing())
            if row is not None:
                seen.append((row.since, closed))
        assert {closed == since - 1 or closed is None for since, closed in seen} == {True}
        assert any(closed is None for _, closed in seen), "the first day was opened in portions"
        assert any(closed is not None for _, closed in seen), "a day was closed in portions"
        scoring.continue_unfinished()
        with scoring.database.reading() as connection:
            repository = SqlRepository(connection)
            assert repository.closed_days()[0] == (repository.open_day(0) or 0) - 1
            assert repository.closed_ahead(0) == set()


def save(scoring: Scoring, row: ClosingRow | None) -> None:
    """Writes the progress in a transaction of its own."""
    assert row is not None
    with scoring.database.writing() as uow:
        SqlRepository(uow.connection).save_closing(0, row)


def progress(scoring: Scoring) -> ClosingRow | None:
    with scoring.database.reading() as connection:
        return SqlRepository(connection).closing(0)


def half_closed() -> Scoring:
    """The last day of many is decided, its first portion is done."""
    scoring = Scoring(POLICIES, closing_portion=5)
    scoring.process(a_day_of_many())
    scoring.continue_unfinished(1)
    assert progress(scoring) is not None
    return scoring


def test_control_progress_before_its_portion_loses_customers() -> None:
    """With the progress committed first, a crash in between leaves customers out, and the comparison sees it."""
    with Scoring(POLICIES) as whole, half_closed() as scoring:
        whole.process(a_day_of_many())
        save(scoring, lost_portion(scoring))
        scoring.restart()
        scoring.continue_unfinished()
        assert len(scoring.told()) < len(whole.told())
        assert scoring.digest().paths_differing > 0
        assert not is_same(scoring, whole)


def test_control_progress_behind_its_portion_does_customers_twice() -> None:
    """With the progress committed later, a crash in between repeats customers, and the comparison sees it."""
    with Scoring(POLICIES) as whole, half_closed() as scoring:
        whole.process(a_day_of_many())
        behind = progress(scoring)
        scoring.continue_unfinished(1)
        save(scoring, behind)
        scoring.restart()
        scoring.continue_unfinished()
        assert not is_same(scoring, whole)


def test_control_without_the_fault_it_is_the_same() -> None:
    """The same steps with the progress where it belongs."""
    with Scoring(POLICIES) as whole, half_closed() as scoring:
        whole.process(a_day_of_many())
        crash(scoring)
        scoring.continue_unfinished()
        assert is_same(scoring, whole)
