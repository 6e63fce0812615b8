"""Fixtures of all levels, and the one line that says what was left out and why."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers", "tests.databases"]

settings.register_profile(
    "tierflow",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("thorough", parent=settings.get_profile("tierflow"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tierflow"))

DATA = Path(os.environ.get("TIERFLOW_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the services do."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (tests that use it carry the marker `shared_data`)."""
    return DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the real data sets, the tests that need them are left out; the summary says so."""
    left_out = [] if DATA.is_dir() else [item for item in items if item.get_closest_marker("shared_data")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Said by the process that reports, whichever process collected."""
    if not DATA.is_dir():
        terminalreporter.write_line(
            f"left out: the tests on real data (tests/e2e/test_berka.py), for there is no {DATA}"
        )
