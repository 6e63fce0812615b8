"""The databases of all services and their steps, for the command line."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from tierflow_contact_planner import app as contact_planner
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_embedded.server import PORTS, ServiceName
from tierflow_events import app as events
from tierflow_events.settings import EventsSettings
from tierflow_scoring import app as scoring
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE
from tierflow_shared.store.migrations import Migrations, SchemaError, missing_steps, upgrade
from tierflow_suitability import app as suitability
from tierflow_suitability.settings import SuitabilitySettings

Result = TypeVar("Result")
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 4.0


class NotYetError(SchemaError):
    """The schema is older than this version; the message says what to run."""


class AwayError(RuntimeError):
    """The database does not answer."""


def service_names() -> list[ServiceName]:
    """All services.

    Raises:
        SchemaError: one database is named for all of them, but each needs its own.
    """
    url = ServiceSettings().database_url
    if url is not None and "{service}" not in url:
        raise SchemaError(
            "TIERFLOW_DATABASE_URL names one database, each service has its own: name one with --service, "
            "or write {service} into the URL"
        )
    return list(PORTS)


def migrate_service(service: ServiceName, data_dir: Path, to: str) -> list[str]:
    """Runs a service's missing steps; returns those that ran.

    Raises:
        SchemaError: there is no such step, or the database is not this service's.
    """
    database, steps = _opened(service, data_dir, SystemClock())
    with closing(database):
        return upgrade(database, steps, to)


def check_service(service: ServiceName, data_dir: Path) -> None:
    """Returns when a service's schema is the one this version works with, and changes nothing.

    Raises:
        NotYetError: it is not.
    """
    database, steps = _opened(service, data_dir, SystemClock())
    with closing(database):
        if told := missing_steps(database, steps):
            raise NotYetError(told)


def patiently(work: Callable[[], Result], patience_s: float, *, pause: Callable[[float], None] = time.sleep) -> Result:
    """Repeats `work` for so long while the database is away, or while its schema waits for somebody else.

    Raises:
        NotYetError, AwayError: that is still so at the end.
    """
    started, pause_s = time.monotonic(), _FIRST_PAUSE_S
    while True:
        try:
            return work()
        except NotYetError as error:
            problem: Exception = error
        except UNAVAILABLE as error:
            problem = AwayError(f"the database does not answer ({type(error).__name__})")
        left_s = started + patience_s - time.monotonic()
        if left_s <= 0:
            raise problem
        pause(min(pause_s, left_s))
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _opened(service: ServiceName, data_dir: Path, clock: Clock) -> tuple[Database, Migrations]:
    match service:
        case "events":
            return events.open_database(EventsSettings(data_dir=data_dir), clock), events.MIGRATIONS
        case "scoring":
            return scoring.open_database(ScoringSettings(data_dir=data_dir), clock), scoring.MIGRATIONS
        case "contact-planner":
            settings = PlannerSettings(data_dir=data_dir)
            return contact_planner.open_database(settings, clock), contact_planner.MIGRATIONS
        case "suitability":
            return suitability.open_database(SuitabilitySettings(data_dir=data_dir), clock), suitability.MIGRATIONS
