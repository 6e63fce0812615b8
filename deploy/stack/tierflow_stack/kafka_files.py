"""What a broker is made of on disk: the jars from Maven, kept in a cache, and its properties."""

import base64
import fcntl
import os
import shutil
import subprocess
import tempfile
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_POM: Final = Path(__file__).parents[1] / "kafka" / "pom.xml"
_DOWNLOAD_LIMIT_S: Final = 600


class StackError(Exception):
    """A server cannot be started here; the message says what is missing or where its log lies."""


def find_program(name: str, debian_package: str) -> str:
    """The path of a program.

    Raises:
        StackError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise StackError(
            f"'{name}' is needed to run Kafka here (Debian: apt-get install {debian_package}). "
            "Or set KAFKA_BOOTSTRAP to the address of a broker that runs already."
        )
    return found


def kafka_version() -> str:
    """The version of Kafka that the project's pom names."""
    version = ET.parse(_POM).getroot().findtext(".//{*}kafka.version")  # noqa: S314
    assert version, f"{_POM} names no kafka.version"
    return version


def jars() -> Path:
    """The folder with Kafka's jars: from the cache, or brought by Maven (43 MB, some seconds).

    The cache is `~/.cache/tierflow` or `TIERFLOW_CACHE_DIR`. Callers may come at the same time: one downloads.

    Raises:
        StackError: Maven is missing or failed.
    """
    cache = Path(os.environ.get("TIERFLOW_CACHE_DIR") or Path.home() / ".cache" / "tierflow")
    kept = cache / f"kafka-{kafka_version()}"
    if not kept.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{kept.name}.lock"):
            if not kept.is_dir():
                _download(cache, kept)
    return kept


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time inside the block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(cache: Path, kept: Path) -> None:
    maven = find_program("mvn", "maven")
    with tempfile.TemporaryDirectory(dir=cache, prefix="incoming-") as incoming:
        libs = Path(incoming) / "libs"
        command = [maven, "-B", "-q", "-f", str(_POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(
                [*command, f"-DoutputDirectory={libs}"],
                capture_output=True, text=True, check=False, timeout=_DOWNLOAD_LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise StackError(f"Maven did not bring Kafka's jars within {_DOWNLOAD_LIMIT_S} s") from error
        if done.returncode != 0:
            raise StackError(f"Maven could not bring Kafka's jars:\n{(done.stdout + done.stderr)[-2000:]}")
        libs.rename(kept)


def new_cluster_id() -> str:
    """A random id. The first byte is fixed: the tool would take an id that begins with `-` for an option."""
    return base64.urlsafe_b64encode(b"t" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def server_properties(data: Path, port: int, controller_port: int, settings: Mapping[str, str]) -> str:
    """The text of `server.properties` for one node that is broker and controller; `settings` win."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        **settings,
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())
