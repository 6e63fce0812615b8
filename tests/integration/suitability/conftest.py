"""The service under test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.databases import service_database
from tests.integration.suitability.bank import Bank, open_bank
from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database
from tierflow_suitability.app import MIGRATIONS, open_database
from tierflow_suitability.settings import SuitabilitySettings


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None for the service's own SQLite file, else the URL of a PostgreSQL database of this test."""

    def opened(url: str) -> Database:
        return open_database(SuitabilitySettings(database_url=url), SystemClock())

    with service_database(dialect, request, "suitability", opened, MIGRATIONS) as url:
        yield url


@pytest.fixture
async def bank(tmp_path: Path, database_url: str | None) -> AsyncIterator[Bank]:
    """The suitability service, running."""
    async with open_bank(tmp_path, database_url=database_url) as running:
        yield running
