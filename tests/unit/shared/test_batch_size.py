"""How much one transaction takes, by what the last ones took."""

from hypothesis import given
from hypothesis import strategies as st

from tierflow_shared.stream.batch_size import AdaptiveBatchSize


def test_it_doubles_while_full_batches_are_quick() -> None:
    size = AdaptiveBatchSize(50_000, 1.0)
    limits = []
    for _ in range(8):
        size.committed(size.limit, 0.001)
        limits.append(size.limit)
    assert limits == [2_000, 4_000, 8_000, 16_000, 32_000, 50_000, 50_000, 50_000]


def test_it_grows_no_further_than_a_transaction_may_take() -> None:
    size = AdaptiveBatchSize(50_000, 1.0)
    for _ in range(20):
        size.committed(size.limit, size.limit / 6_000)
    assert size.limit == 6_000


def test_it_falls_with_the_load_but_keeps_what_is_neither_full_nor_small() -> None:
    size = AdaptiveBatchSize(50_000, 1.0)
    for _ in range(3):
        size.committed(size.limit, 0.001)
    size.committed(4_000, 0.001)
    assert size.limit == 8_000
    size.committed(100, 0.001)
    assert size.limit == 4_000


@given(st.integers(1, 5_000), st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 100)), max_size=50))
def test_it_stays_within_its_bounds(most: int, history: list[tuple[int, float]]) -> None:
    size = AdaptiveBatchSize(most, 1.0)
    for records, seconds in history:
        size.committed(records, seconds)
        assert min(1_000, most) <= size.limit <= most
