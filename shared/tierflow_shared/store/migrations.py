"""A service's schema by numbered steps (Alembic's scripts, run without its configuration files).

Each step is one transaction with its entry in `alembic_version`, so a crash leaves the step before; the next run goes
on. Several processes may start at once: one migrates, the others wait and find it done. Steps only go up; the way back
is a restored backup.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Connection, inspect, text

from tierflow_shared import crash_points
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import WRITES, check_usable

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory

_log = structlog.get_logger("tierflow.migrations")
HEAD: Final = "head"
_VERSION_TABLE: Final = "alembic_version"
_MIGRATING: Final = 0x7469_6572_0002
_REVISION: Final = re.compile(r'^revision(?:: [^=]+)? = "(\w+)"$', re.MULTILINE)


class SchemaError(RuntimeError):
    """The schema is not the one this code works with; the message says what to run."""


class Migrations:
    """The steps in a service's package, named `r0001_….py`, `r0002_….py` and so on."""

    def __init__(self, package: str) -> None:
        self._package = package

    @property
    def folder(self) -> Path:
        spec = find_spec(self._package)
        assert spec is not None, f"no package {self._package}"
        assert spec.submodule_search_locations, f"{self._package} is not a package"
        return Path(next(iter(spec.submodule_search_locations)))

    def revisions(self) -> list[str]:
        """All steps, the first one first. Read from the files' text, because a start is often and a step is rare."""
        files = sorted(self.folder.glob("r[0-9]*.py"))
        return [found.group(1) for file in files if (found := _REVISION.search(file.read_text(encoding="utf-8")))]

    def scripts(self) -> "ScriptDirectory":
        from alembic.script import ScriptDirectory

        folder = str(self.folder)
        return ScriptDirectory(folder, version_locations=[folder])


def prepare_schema(database: Database, migrations: Migrations, *, migrate: bool) -> None:
    """At the start of a service: brings the schema to the newest step, or refuses one that is not there.

    Raises:
        SchemaError: `migrate` is False and the schema is older; or it is newer or another service's.
        WrongDatabaseError: the database orders text in another way.
    """
    told = missing_steps(database, migrations)
    if told is None:
        return
    if not migrate:
        _log.error("schema is not up to date", detail=told)
        raise SchemaError(told)
    upgrade(database, migrations)


def missing_steps(database: Database, migrations: Migrations) -> str | None:
    """What to do before this version can work on the database, as one sentence; None if its schema is the newest.

    Raises:
        WrongDatabaseError: the database orders text in another way.
    """
    newest = migrations.revisions()[-1]
    with database.reading() as connection:
        check_usable(connection)
        found = current_revision(connection)
    if found == newest:
        return None
    return (
        f"the schema of {database.service} is at {found or 'nothing'}, this version needs {newest}: "
        f"run `tierflow migrate --service {database.service}`"
    )


def current_revision(connection: Connection) -> str | None:
    """The step a database stands at; None if it was never migrated."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(database: Database, migrations: Migrations, to: str = HEAD) -> list[str]:
    """Runs the missing steps up to `to` (a revision, its number such as `2`, or `head`); returns those that ran.

    Raises:
        SchemaError: there is no such step, it lies behind, or the database is not one of this service.
        WrongDatabaseError: the database orders text in another way.
    """
    revisions = migrations.revisions()
    target = _target(revisions, to)
    scripts, done = migrations.scripts(), []
    while (step := _next_step(database, scripts, revisions, target)) is not None:
        done.append(step)
        _log.info("schema migrated", service=database.service, revision=step)
    return done


def _target(revisions: list[str], to: str) -> int:
    if to == HEAD:
        return len(revisions)
    for number, revision in enumerate(revisions, start=1):
        if to == revision or (to.isdecimal() and int(to) == number):
            return number
    raise SchemaError(f"there is no step {to}; there are {', '.join(revisions)}")


def _next_step(database: Database, scripts: "ScriptDirectory", revisions: list[str], target: int) -> str | None:
    """Runs one step in one transaction; None if there is nothing left to do."""
    with _locked(database) as connection:
        check_usable(connection)
        at = _position(connection, database, revisions)
        if at == target:
            return None
        if at > target:
            raise SchemaError(
                f"{database.service} stands at {revisions[at - 1]}, later than {revisions[target - 1]}; steps only go "
                "up: restore a backup of that version"
            )
        script = scripts.get_revision(revisions[at])
        assert script is not None
        if at == 0 and _made_by_0_1_0(connection, database):
            _stamp(connection, scripts, script)
        else:
            _run(connection, scripts, script)
        return revisions[at]


def _position(connection: Connection, database: Database, revisions: list[str]) -> int:
    found = current_revision(connection)
    if found is None:
        return 0
    if found not in revisions:
        raise SchemaError(
            f"this database is at {found}, which {database.service} does not know: it belongs to another service or "
            "to a newer version"
        )
    return revisions.index(found) + 1


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """A transaction that nobody else migrates in; it may wait as long as the other one takes."""
    with database.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if not database.is_sqlite:
            limit = connection.execute(text("SHOW lock_timeout")).scalar_one()
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            connection.execute(text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": limit})
        yield connection


def _made_by_0_1_0(connection: Connection, database: Database) -> bool:
    """True for a database from before there were steps: release 0.1.0 made all its tables at once.

    Raises:
        SchemaError: some of the tables are there.
    """
    there = set(inspect(connection).get_table_names())
    wanted = set(_tables_of_0_1_0(database))
    if wanted <= there:
        return True
    if wanted & there:
        raise SchemaError(
            f"{database.service} finds only some of its tables ({', '.join(sorted(wanted & there))}): "
            "this is not a database of release 0.1.0"
        )
    return False


def _tables_of_0_1_0(database: Database) -> list[str]:
    return [table.name for table in database.metadata.sorted_tables if not table.info.get("since")]


def _run(connection: Connection, scripts: "ScriptDirectory", script: "Script") -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    context = MigrationContext.configure(connection, opts={"render_as_batch": True})
    with Operations.context(context):
        script.module.upgrade()
        crash_points.reached("in-migration")
    context.stamp(scripts, script.revision)


def _stamp(connection: Connection, scripts: "ScriptDirectory", script: "Script") -> None:
    from alembic.migration import MigrationContext

    MigrationContext.configure(connection).stamp(scripts, script.revision)
