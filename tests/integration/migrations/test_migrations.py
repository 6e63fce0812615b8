"""Schemas by steps: from nothing, from release 0.1.0 with its data, after a crash, and several processes at once."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

import tierflow_contact_planner.app as planner
import tierflow_events.app as events
import tierflow_scoring.app as scoring
import tierflow_suitability.app as suitability
from tests.integration.migrations import steps
from tests.integration.migrations.filling import Rows, fill, rows_of
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_events.settings import EventsSettings
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import Message
from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import WrongDatabaseError
from tierflow_shared.store.migrations import Migrations, SchemaError, current_revision, prepare_schema, upgrade
from tierflow_shared.store.outbox import read_entries
from tierflow_stack.postgres import Cluster, database
from tierflow_suitability.settings import SuitabilitySettings


class Service(NamedTuple):
    """How to open a service's database, and its steps."""

    name: str
    open: Callable[[str], Database]
    steps: Migrations


SERVICES = {
    "events": Service(
        "events", lambda url: events.open_database(EventsSettings(database_url=url), SystemClock()), events.MIGRATIONS
    ),
    "scoring": Service(
        "scoring",
        lambda url: scoring.open_database(ScoringSettings(database_url=url), SystemClock()),
        scoring.MIGRATIONS,
    ),
    "contact-planner": Service(
        "contact-planner",
        lambda url: planner.open_database(PlannerSettings(database_url=url), SystemClock()),
        planner.MIGRATIONS,
    ),
    "suitability": Service(
        "suitability",
        lambda url: suitability.open_database(SuitabilitySettings(database_url=url), SystemClock()),
        suitability.MIGRATIONS,
    ),
}


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> Service:
    return SERVICES[request.param]


@pytest.fixture
def opened(service: Service, database_url: str) -> Iterator[Database]:
    with closing(service.open(database_url)) as one:
        yield one


def revision(database: Database) -> str | None:
    with database.reading() as connection:
        return current_revision(connection)


def differences(database: Database) -> list[object]:
    """What Alembic would change to make the schema that of the code."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, database.metadata))


def test_the_steps_are_one_line(service: Service) -> None:
    """Each follows the one before, their names are as we read them, and they belong to the service."""
    revisions = service.steps.revisions()
    scripts = service.steps.scripts()
    assert [script.revision for script in scripts.walk_revisions()] == revisions[::-1]
    assert revisions == [f"{service.name.replace('-', '_')}_{n:04d}" for n in range(1, len(revisions) + 1)]


def test_from_nothing_it_becomes_the_schema_of_the_code(service: Service, opened: Database) -> None:
    """Table by table, column by column, index by index; and a second run has nothing to do."""
    assert upgrade(opened, service.steps) == service.steps.revisions()
    assert differences(opened) == []
    assert upgrade(opened, service.steps) == []


def test_control_a_schema_that_differs_is_seen(service: Service, opened: Database) -> None:
    """The comparison above can fail."""
    upgrade(opened, service.steps)
    with opened.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox ADD COLUMN surplus INTEGER"))
        connection.execute(text("DROP INDEX idempotency_by_age"))
    assert len(differences(opened)) == 2


def test_from_the_first_step_with_data_everything_is_kept(service: Service, opened: Database) -> None:
    """A row in each table of release 0.1.0 is still there at the newest step, and what waited in the outbox waits."""
    upgrade(opened, service.steps, "1")
    fill(opened.engine)
    before = rows_of(opened.engine)
    upgrade(opened, service.steps)
    is_kept(before, opened)


def is_kept(before: Rows, database: Database) -> None:
    """All rows of all tables, in the columns that are still there."""
    after = rows_of(database.engine)
    assert len(before) > 5
    for table in before.keys() - {"outbox", "alembic_version"}:
        assert before[table], table
        columns = before[table][0].keys() & after[table][0].keys()
        assert [pick(row, columns) for row in after[table]] == [pick(row, columns) for row in before[table]]
    with database.reading() as connection:
        (entry,) = read_entries(connection, database.tables)
    assert entry.messages == [Message("w", "w", b"\x00\xff", (), 7)]
    assert differences(database) == []


def pick(row: Mapping[str, object], columns: Iterable[str]) -> dict[str, object]:
    return {column: row[column] for column in columns}


def test_a_database_of_release_0_1_0_is_recognised(service: Service, opened: Database) -> None:
    """That release made its tables at once and kept no account of steps."""
    upgrade(opened, service.steps, "1")
    with opened.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    fill(opened.engine)
    before = rows_of(opened.engine)
    prepare_schema(opened, service.steps, migrate=True)
    assert revision(opened) == service.steps.revisions()[-1]
    is_kept(before, opened)


def test_a_part_of_the_tables_is_no_database_of_ours(service: Service, opened: Database) -> None:
    """Rather than guess, it says what it found."""
    opened.tables.outbox.create(opened.engine)
    with pytest.raises(SchemaError, match="only some of its tables"):
        prepare_schema(opened, service.steps, migrate=True)


def test_in_production_an_old_schema_is_refused_with_the_command(service: Service, opened: Database) -> None:
    with pytest.raises(SchemaError, match=f"tierflow migrate --service {service.name}"):
        prepare_schema(opened, service.steps, migrate=False)
    upgrade(opened, service.steps)
    prepare_schema(opened, service.steps, migrate=False)


def test_another_services_database_is_refused(database_url: str) -> None:
    with closing(SERVICES["scoring"].open(database_url)) as one:
        upgrade(one, SERVICES["scoring"].steps)
    with closing(SERVICES["suitability"].open(database_url)) as other, pytest.raises(SchemaError, match="another"):
        prepare_schema(other, SERVICES["suitability"].steps, migrate=True)


def test_a_step_that_is_not_there_is_refused(opened: Database, service: Service) -> None:
    with pytest.raises(SchemaError, match="no step 99"):
        upgrade(opened, service.steps, "99")


def test_processes_that_start_at_once_migrate_once(service: Service, database_url: str) -> None:
    """Each step runs in one of them; all of them find the schema ready."""
    done: list[str] = []
    errors: list[Exception] = []

    def start() -> None:
        with closing(service.open(database_url)) as one:
            try:
                done.extend(upgrade(one, service.steps))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (errors, sorted(done)) == ([], sorted(service.steps.revisions()))


def test_a_crash_in_the_middle_of_a_step_is_completed_by_the_next_run(database_url: str, tmp_path: Path) -> None:
    """kill -9 after a step's table was made and before its transaction ended; data of the step before stays."""
    folder = steps.write(tmp_path)
    killed = subprocess.run([sys.executable, folder / "run.py", database_url, "crash"], check=False)
    assert killed.returncode == -9
    with closing(steps.opened(database_url)) as one:
        assert revision(one) == "toy_0001"
        assert "second" not in inspect(one.engine).get_table_names()
        subprocess.run([sys.executable, folder / "run.py", database_url, "go"], check=True)
        assert revision(one) == "toy_0002"
        with one.reading() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(text(name))).scalar_one()
                for name in ("first", "second")
            ]
    assert counts == [1, 1]


def test_a_step_behind_is_refused(database_url: str, tmp_path: Path) -> None:
    folder = steps.write(tmp_path)
    subprocess.run([sys.executable, folder / "run.py", database_url, "go"], check=True)
    said = subprocess.run(
        [sys.executable, folder / "run.py", database_url, "back"], check=False, capture_output=True, text=True
    )
    assert "steps only go up" in said.stderr


def test_a_database_in_another_order_is_refused(own_cluster: Cluster) -> None:
    """A language's order would give other pages and other digests than SQLite."""
    with database(own_cluster) as url:
        with closing(SERVICES["events"].open(url)) as admin, admin.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(
                text("CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'")
            )
        with closing(SERVICES["events"].open(own_cluster.url("icu"))) as wrong, pytest.raises(WrongDatabaseError):
            prepare_schema(wrong, SERVICES["events"].steps, migrate=True)
        own_cluster.drop_database("icu")
