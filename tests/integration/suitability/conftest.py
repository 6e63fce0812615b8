"""The service under test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import service_database_url
from tests.integration.suitability.bank import Bank, open_bank
from tierflow_shared.clock import SystemClock
from tierflow_suitability.app import MIGRATIONS, open_database
from tierflow_suitability.settings import SuitabilitySettings

database_url = service_database_url(
    "suitability", lambda url: open_database(SuitabilitySettings(database_url=url), SystemClock()), MIGRATIONS
)


@pytest.fixture
async def bank(tmp_path: Path, database_url: str | None) -> AsyncIterator[Bank]:
    """The suitability service, running."""
    async with open_bank(tmp_path, database_url=database_url) as running:
        yield running
