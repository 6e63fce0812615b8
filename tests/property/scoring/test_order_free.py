"""Tier paths are a function of the set of events; publications are a function of the sequence of records."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.scoring.bank import Said, records
from tests.property.scoring.harness import Scoring
from tests.property.scoring.stories import LAST_DAY, closing, small_policies, stories

POLICIES = small_policies()
cuts = st.lists(st.integers(1, 30), max_size=6)


@given(stories(), st.randoms(use_true_random=False), cuts)
@settings(max_examples=25)
def test_order_batches_partitions_and_duplicates(said: list[Said], random: Random, batches: list[int]) -> None:
    """Another order, other batches, four partitions and every event twice give the same digest."""
    again = [*said, *said]
    random.shuffle(again)
    with Scoring(POLICIES) as one, Scoring(POLICIES, partitions=4) as other:
        one.process(records(said))
        other.process(records(again, partitions=4), batches)
        first, second = one.digest(LAST_DAY), other.digest(LAST_DAY)
        assert first.digest == second.digest
        assert first.paths_differing == second.paths_differing == 0


@given(stories(), cuts)
@settings(max_examples=25)
def test_publications_do_not_depend_on_batches(said: list[Said], batches: list[int]) -> None:
    """What is published, with its ids and in its order, is the same for one batch, many, and one by one."""
    log = records(closing(said))
    with Scoring(POLICIES) as whole, Scoring(POLICIES) as cut, Scoring(POLICIES) as single:
        whole.process(log)
        cut.process(log, batches)
        single.process(log, range(len(log)))
        assert cut.told() == whole.told()
        assert single.told() == whole.told()


@given(stories(), st.integers(1, 30), st.sampled_from([0, 2, 1000]))
@settings(max_examples=25)
def test_a_restart_in_the_middle_changes_nothing(said: list[Said], place: int, cache: int) -> None:
    """A new process on the same database goes on as if it had been there from the start."""
    log = records(closing(said))
    place = min(place, len(log))
    with Scoring(POLICIES) as steady, Scoring(POLICIES, bucket_cache_limit=cache) as restarted:
        steady.process(log)
        restarted.process(log[:place])
        restarted.restart()
        restarted.process(log[place:])
        assert restarted.told() == steady.told()
        assert restarted.paths() == steady.paths()
        assert restarted.digest().digest == steady.digest().digest
        assert restarted.digest().paths_differing == 0
