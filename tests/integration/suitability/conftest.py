"""The service under test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.suitability.bank import Bank, open_bank


@pytest.fixture
async def bank(tmp_path: Path, database_url: str) -> AsyncIterator[Bank]:
    """The suitability service, running."""
    async with open_bank(tmp_path, database_url=database_url) as running:
        yield running
