"""The checker of the stream bench: right results pass, and every kind of wrong one is seen."""

import json

import pytest
from bench.streaming.engine import EngineError
from bench.streaming.verify import Book, check
from bench.streaming.workload import Standing

STEPS = [("c-1", 100, 1), ("c-2", -50, 1), ("c-1", 300, 2), ("c-1", 250, 3), ("c-2", 0, 2)]


def book_of(steps: list[tuple[str, int, int]]) -> Book:
    book = Book(partitions=1)
    for offset, (customer, total, count) in enumerate(steps):
        value = {"customer_id": customer, "sum_minor": total, "count": count, "tier": 1}
        book.add(0, offset, customer.encode(), json.dumps(value).encode())
    return book


def test_the_last_record_of_a_customer_is_its_standing() -> None:
    """Records in order pass."""
    book = book_of(STEPS)
    assert book.standings == {"c-1": Standing(250, 3, 1), "c-2": Standing(0, 2, 1)}
    assert book.records == len(STEPS)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(STEPS[:2] + STEPS[3:], id="lost"),
        pytest.param([*STEPS, STEPS[-1]], id="written twice"),
        pytest.param([*STEPS, ("c-2", 50, 2)], id="counted from a state that was rolled back"),
        pytest.param([STEPS[2], *STEPS[:2], *STEPS[3:]], id="out of order"),
    ],
)
def test_a_step_that_does_not_follow_is_refused(steps: list[tuple[str, int, int]]) -> None:
    """Lost, doubled or reordered: also when the last record is right again."""
    with pytest.raises(EngineError):
        book_of(steps)


def test_a_record_under_another_key_is_refused() -> None:
    """The key is the customer."""
    with pytest.raises(EngineError):
        Book(1).add(0, 0, b"c-2", b'{"customer_id":"c-1","sum_minor":1,"count":1,"tier":1}')


def test_a_position_covers_the_records_before_it() -> None:
    """Offsets have gaps where transactions end; they are no events."""
    book = Book(partitions=2)
    for partition, offset, customer in ((0, 0, "a"), (0, 1, "b"), (0, 4, "c"), (1, 2, "d")):
        value = {"customer_id": customer, "sum_minor": 1, "count": 1, "tier": 1}
        book.add(partition, offset, customer.encode(), json.dumps(value).encode())
    assert [book.events_at(end) for end in ((0, 0), (2, 0), (4, 2), (5, 2), (6, 4))] == [0, 2, 2, 3, 4]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({"c-1": Standing(100, 1, 1)}, id="a customer is missing"),
        pytest.param({"c-1": Standing(100, 1, 1), "c-2": Standing(6, 2, 1)}, id="a wrong sum"),
        pytest.param({"c-1": Standing(100, 1, 1), "c-2": Standing(5, 3, 1)}, id="a wrong count"),
        pytest.param({"c-1": Standing(100, 1, 2), "c-2": Standing(5, 2, 1)}, id="a wrong tier"),
        pytest.param({"c-1": Standing(100, 1, 1), "c-2": Standing(5, 2, 1), "c-3": Standing(1, 1, 1)}, id="a stranger"),
    ],
)
def test_a_wrong_result_is_an_error(found: dict[str, Standing]) -> None:
    """The right one passes, any difference fails."""
    expected = {"c-1": Standing(100, 1, 1), "c-2": Standing(5, 2, 1)}
    check(expected, dict(expected))
    with pytest.raises(EngineError):
        check(expected, found)
