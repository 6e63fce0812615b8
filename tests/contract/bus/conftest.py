"""The adapters that the conformance suite runs on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.bus.harness import Harness
from tests.contract.bus.kafka_harness import KafkaHarness, quick_options
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock

LEASE_S = 10.0


class SqliteHarness:
    """The SQLite log with a clock moved by hand; members take part in the group at every poll."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clock = ManualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SqliteBus]:
        bus = SqliteBus(self._path, clock=self._clock, lease_s=LEASE_S, heartbeat_s=0.0, background_heartbeat=False)
        try:
            yield bus
        finally:
            await bus.close(5.0)

    async def let_leases_end(self) -> None:
        self._clock.advance(timedelta(seconds=LEASE_S + 1))


@pytest.fixture(params=["sqlite", "kafka"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    if request.param == "kafka":
        return KafkaHarness(quick_options(request.getfixturevalue("kafka_bootstrap")))
    return SqliteHarness(tmp_path / "log.db")
