"""The clock of a played stream: set forward, running in between, never back."""

from datetime import UTC, datetime, timedelta

from tierflow_embedded.clocks import StreamClock

START = datetime(2024, 7, 1, tzinfo=UTC)


class _Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_runs_on_from_where_it_was_set() -> None:
    seconds = _Seconds()
    clock = StreamClock(START, seconds)
    seconds.now += 5
    assert clock.now() == START + timedelta(seconds=5)
    clock.advance_to(START + timedelta(days=30))
    seconds.now += 2
    assert clock.now() == START + timedelta(days=30, seconds=2)


def test_it_never_moves_backwards() -> None:
    seconds = _Seconds()
    clock = StreamClock(START, seconds)
    clock.advance_to(START + timedelta(days=2))
    clock.advance_to(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=2)
