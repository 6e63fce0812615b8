"""Servers that one pytest run shares: the first worker that needs one starts it, the end of the run stops it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tierflow_stack.kafka import KafkaBroker, foreign_broker, stop_left_over

_RUN_FOLDER = pytest.StashKey[Path]()
_started: list[KafkaBroker] = []


def pytest_configure(config: pytest.Config) -> None:
    """The process that runs or distributes the tests makes the folder; workers are told of it."""
    told = getattr(config, "workerinput", {}).get("tierflow_run_folder")
    # Brokers live for seconds here: the second compiler would cost more than it saves.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
    config.stash[_RUN_FOLDER] = Path(told or tempfile.mkdtemp(prefix="tierflow-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each worker gets the folder of the run."""
    node.workerinput["tierflow_run_folder"] = str(node.config.stash[_RUN_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """At the end, also of an interrupted run, the servers of the run are stopped."""
    if hasattr(config, "workerinput") or _RUN_FOLDER not in config.stash:
        return
    for broker in _started:
        broker.stop()
    stop_left_over(config.stash[_RUN_FOLDER] / "kafka")
    shutil.rmtree(config.stash[_RUN_FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """The address of a real broker that all workers of the run share. Topics and groups need a prefix of their own."""
    foreign = foreign_broker()
    if foreign is not None:
        return foreign.bootstrap
    folder = request.config.stash[_RUN_FOLDER]
    with _one_at_a_time(folder / "kafka.lock"):
        broker = KafkaBroker(folder / "kafka")
        if not (folder / "kafka" / "pid").exists():
            broker.start()
            _started.append(broker)
        return broker.bootstrap


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
