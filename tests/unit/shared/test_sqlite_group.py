"""Leases in the log file when the machine's clock is set back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tierflow_shared.bus.port import TopicPartition
from tierflow_shared.bus.sqlite.group import Turn, take_turn
from tierflow_shared.bus.sqlite.storage import LogFile, create_topics

LEASE_MS = 10_000
HOUR_MS = 3_600_000
NOON_MS = 1_000 * HOUR_MS
PARTITIONS = [TopicPartition("t", 0), TopicPartition("t", 1)]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path / "log.db", busy_timeout_s=1.0)
    file.create()
    create_topics(file, {"t": 2})
    yield file
    file.close()


def turn(log: LogFile, member: str, now_ms: int) -> Turn:
    with log.transaction() as connection:
        return take_turn(connection, "g", member, PARTITIONS, now_ms, LEASE_MS)


def test_a_dead_members_lease_ends_although_the_clock_was_set_back(log: LogFile) -> None:
    """Else nobody would read its partitions until the clock has caught up, an hour later."""
    assert len(turn(log, "dead", NOON_MS).held) == 2
    assert len(turn(log, "alive", NOON_MS - HOUR_MS).held) == 2


def test_a_clock_that_is_corrected_a_little_moves_no_partition(log: LogFile) -> None:
    """The control: a lease of somebody who lives stays his."""
    turn(log, "first", NOON_MS)
    assert turn(log, "second", NOON_MS - LEASE_MS // 2).held == {}
    assert len(turn(log, "first", NOON_MS - LEASE_MS // 2).held) == 2
