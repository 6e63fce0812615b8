"""Databases for tests: SQLite files, and PostgreSQL databases on one real server that all workers of a run share.

The run's first process makes a folder; whichever worker needs PostgreSQL first starts a cluster in it; the first
process removes both when the run ends, also when it is interrupted.
"""

import fcntl
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData

from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits
from tierflow_shared.store.migrations import Migrations, upgrade
from tierflow_stack.postgres import ENVIRONMENT, FORGETFUL, Cluster, RunningServer, Server, database, temporary_cluster

RUN_FOLDER = "TIERFLOW_TEST_RUN_POSTGRES"
DIALECTS = ("sqlite", "postgresql")
OpenDatabase = Callable[..., Database]


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run owns the folder."""
    if not hasattr(config, "workerinput") and RUN_FOLDER not in os.environ:
        folder = tempfile.mkdtemp(prefix="tierflow-tests-")
        Path(folder).chmod(0o755)
        os.environ[RUN_FOLDER] = folder
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        config.add_cleanup(lambda: _remove(Path(os.environ.pop(RUN_FOLDER))))


def _remove(folder: Path) -> None:
    with _locked(folder):
        given = os.environ.get(ENVIRONMENT)
        for template in folder.glob("template_*") if given else ():
            RunningServer(str(given)).drop_database(template.name)
        if (folder / "postgres").is_dir():
            Cluster(folder / "postgres").destroy()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres() -> Server:
    """The run's server: the one of DATABASE_URL, else a cluster that the first worker to ask starts."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return RunningServer(given)
    folder = Path(os.environ[RUN_FOLDER])
    with _locked(folder):
        cluster = Cluster(folder / "postgres", settings={**FORGETFUL, "shared_buffers": "64MB"})
        cluster.start()
    return cluster


ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
"""For tests whose requests never come as far as the database, or do not depend on it."""


@contextmanager
def service_database(
    dialect: str, request: pytest.FixtureRequest, service: str, opened: Callable[[str], Database], steps: Migrations
) -> Iterator[str | None]:
    """The URL of a service's database with its schema: on PostgreSQL a copy of one that is migrated once a run."""
    if dialect == "sqlite":
        yield None
        return
    server: Server = request.getfixturevalue("postgres")
    folder = Path(os.environ[RUN_FOLDER])
    template = folder / f"template_{service.replace('-', '_')}_{folder.name[-8:]}"
    with _locked(folder):
        if not template.exists():
            one = opened(server.create_database(template.name))
            upgrade(one, steps)
            one.close()
            template.touch()
    with database(server, template=template.name) as url:
        yield url


def service_database_url(service: str, opened: Callable[[str], Database], steps: Migrations) -> Any:
    """A fixture `database_url` for the tests of one service.

    It gives None for the service's own SQLite file, else the URL of a PostgreSQL database of this test.
    """

    @pytest.fixture(name="database_url")
    def of_service(dialect: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
        with service_database(dialect, request, service, opened, steps) as url:
            yield url

    return of_service


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A durable cluster for one test, which may stop and kill it."""
    with temporary_cluster({"shared_buffers": "32MB"}) as cluster:
        yield cluster


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Which kind of database a test runs on."""
    return str(request.param)


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this kind, gone after the test."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / f'{secrets.token_hex(4)}.db'}"
        return
    with database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def open_database(database_url: str) -> Iterator[OpenDatabase]:
    """Opens the test's database for some tables and makes them; each call is another process's view of it."""
    with ExitStack() as stack:

        def opened(
            metadata: MetaData, *, clock: Clock | None = None, limits: DatabaseLimits | None = None, empty: bool = False
        ) -> Database:
            one = Database(database_url, metadata, service="test", clock=clock or SystemClock(), limits=limits)
            stack.callback(one.close)
            if not empty:
                metadata.create_all(one.engine)
            return one

        yield opened
