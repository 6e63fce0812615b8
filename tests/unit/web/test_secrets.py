"""Secrets of the settings stay out of what is printed, logged and answered."""

import io
import json
import logging
from contextlib import closing

import pytest
from pydantic import ValidationError
from sqlalchemy import MetaData
from sqlalchemy.exc import SQLAlchemyError

from tierflow_contact_planner.settings import PlannerSettings
from tierflow_events.settings import EventsSettings
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.clock import SystemClock
from tierflow_shared.logs import configure_logging, logging_for
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.store.database import Database
from tierflow_suitability.settings import SuitabilitySettings

WORD = "known-to-the-database-alone"
GOOD = f"postgresql+psycopg://tierflow:{WORD}@127.0.0.1:1/tierflow?connect_timeout=2"
BROKEN = [
    GOOD,
    f"postgresql+psycopg://tierflow:{WORD}@127.0.0.1:port/tierflow",
    f"postgresql+psycopg//tierflow:{WORD}@127.0.0.1:1/tierflow",
    f"mysql://tierflow:{WORD}@127.0.0.1:1/tierflow",
    f"{GOOD}&no_such_option=1",
    f"{GOOD}&sslmode=nonsense",
    f"{GOOD}&sslmode=verify-full&sslrootcert=/nowhere",
    f"postgresql+psycopg://tierflow:{WORD}@nowhere.invalid/tierflow",
]


@pytest.mark.parametrize(
    "kind", [ServiceSettings, EventsSettings, ScoringSettings, PlannerSettings, SuitabilitySettings]
)
def test_settings_that_are_printed_show_no_password(kind: type[ServiceSettings]) -> None:
    settings = kind(database_url=GOOD)
    assert WORD not in f"{settings!r}{settings!s}"
    assert settings.database_url == GOOD


def test_settings_that_are_refused_show_no_password() -> None:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings(database_url=GOOD, environment="production")
    assert WORD not in f"{caught.value!r}{caught.value!s}"
    with pytest.raises(ValidationError) as caught:
        ServiceSettings.model_validate({"database_url": [GOOD]})
    assert WORD not in f"{caught.value!r}{caught.value!s}"


def reach(url: str) -> None:
    with closing(Database(url, MetaData(), service="test", clock=SystemClock())) as database:
        database.ping()


@pytest.mark.parametrize("url", BROKEN)
def test_a_database_that_cannot_be_reached_shows_no_password(url: str) -> None:
    """Neither in the error and its causes nor in a log line about it."""
    with pytest.raises((SQLAlchemyError, ValueError, ImportError)) as caught:
        reach(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert WORD not in f"{error!r}{error!s}"
        error = error.__cause__ or error.__context__
    with logging_for("test", "DEBUG"):
        stream = io.StringIO()
        configure_logging("test", "DEBUG", stream)
        logging.getLogger("some.library").error("it failed", exc_info=caught.value)
    assert WORD not in stream.getvalue()
    assert json.loads(stream.getvalue())["event"] == "it failed"
