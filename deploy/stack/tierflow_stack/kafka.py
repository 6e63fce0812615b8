"""A real single-node Kafka (KRaft) that can be started, stopped, killed and started again on the same data.

    with kafka(folder) as broker:
        use(broker.bootstrap)

Where `KAFKA_BOOTSTRAP` is set, that broker is used instead and is never stopped.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tierflow_stack.free_ports import free_port
from tierflow_stack.kafka_files import StackError, find_program, jars, new_cluster_id, server_properties
from tierflow_stack.processes import send

_START_LIMIT_S: Final = 90.0
_STOP_LIMIT_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.05
_PORT_TRIES: Final = 3
_METADATA_V4: Final = struct.Struct(">hhihi?")


class KafkaBroker:
    """One broker process of ours. `folder` keeps its data, properties and log (`kafka.log`)."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        heap_mb: int = 512,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self._wanted_port, self._heap_mb, self._settings = port, heap_mb, dict(settings or {})
        self._port_file = self.folder / "port"
        self._pid_file = self.folder / "pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the broker writes to its output."""
        return self.folder / "kafka.log"

    @property
    def port(self) -> int:
        """The port that clients use; the same over restarts."""
        return int(self._port_file.read_text())

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the broker and waits until it serves metadata. Data of an earlier start are kept.

        Raises:
            StackError: Java or Maven is missing, or the broker did not come up.
        """
        assert self.pid is None, "it runs already"
        formatted = self._port_file.exists()
        for attempt in range(1, _PORT_TRIES + 1):
            if not formatted:
                self._format()
            try:
                self._launch()
                self._wait_until_ready()
            except StackError:
                self.kill()
                if formatted or attempt == _PORT_TRIES or "Address already in use" not in self.log.read_text():
                    raise
                self._port_file.unlink()
            except BaseException:
                self.kill()
                raise
            else:
                return

    def _format(self) -> None:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        port = self._wanted_port or free_port()
        (self.folder / "server.properties").write_text(server_properties(data, port, free_port(), self._settings))
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", new_cluster_id(), "-c", "server.properties"]
        done = subprocess.run(self._java(*tool), cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"the storage of Kafka could not be formatted:\n{(done.stdout + done.stderr)[-2000:]}")
        self._port_file.write_text(str(port))

    def _java(self, *arguments: str) -> list[str]:
        java = find_program("java", "default-jre-headless")
        heap = f"{self._heap_mb}m"
        return [java, f"-Xmx{heap}", f"-Xms{heap}", "-XX:+UseSerialGC", "-cp", f"{jars()}/*", *arguments]

    def _launch(self) -> None:
        command = self._java("kafka.Kafka", "server.properties")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._pid_file.write_text(str(self._process.pid))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while not serves_metadata("127.0.0.1", self.port):
            if self.pid is None:
                raise StackError(f"Kafka ended while it started; its last words ({self.log}):\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"Kafka is not up after {_START_LIMIT_S:g} s; see {self.log}\n{self._last_words()}")
            time.sleep(_LOOK_AGAIN_S)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """Stops in good order; after a limit, the hard way."""
        if self.pid is None or self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9, as a power cut does it. Returns when the process is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def suspend(self) -> None:
        """SIGSTOP: the broker is there but answers nothing, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `suspend`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def running_in(folder: Path) -> int | None:
    """The process id of the broker that somebody, perhaps a process that is gone, started in this folder."""
    pid_file = folder.absolute() / "pid"
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _runs_in(pid, folder.absolute()) else None


def stop_left_over(folder: Path) -> None:
    """Stops that broker: in good order, and after a limit the hard way."""
    deadline = time.monotonic() + _STOP_LIMIT_S
    while (pid := running_in(folder)) is not None:
        send(pid, signal.SIGKILL if time.monotonic() > deadline else signal.SIGTERM)
        time.sleep(_LOOK_AGAIN_S)


def _runs_in(pid: int, folder: Path) -> bool:
    """True when the process is a broker of this folder, and not another one under a number used again."""
    process = Path("/proc") / str(pid)
    try:
        return (process / "cwd").resolve(strict=True) == folder.resolve() and b"kafka" in (
            process / "cmdline"
        ).read_bytes()
    except OSError:
        return False


class ForeignBroker:
    """A broker that runs already. It is used, never stopped."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It is not ours."""


def foreign_broker() -> ForeignBroker | None:
    """The broker that `KAFKA_BOOTSTRAP` names."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    return ForeignBroker(bootstrap) if bootstrap else None


@contextmanager
def kafka(
    folder: Path, *, heap_mb: int = 512, settings: Mapping[str, str] | None = None
) -> Iterator[KafkaBroker | ForeignBroker]:
    """A broker that serves inside the block: the one of `KAFKA_BOOTSTRAP`, else one of ours in `folder`."""
    broker: KafkaBroker | ForeignBroker = foreign_broker() or KafkaBroker(folder, heap_mb=heap_mb, settings=settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def serves_metadata(host: str, port: int, timeout_s: float = 2.0) -> bool:
    """True when a broker answers a metadata request (version 4) and knows of a broker that is not fenced."""
    api_key, version, correlation, no_client_id, no_topics = 3, 4, 1, -1, 0
    body = _METADATA_V4.pack(api_key, version, correlation, no_client_id, no_topics, False)
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = _receive(connection, *struct.unpack(">i", _receive(connection, 4)))
    except (OSError, EOFError):
        return False
    _, _, brokers = struct.unpack_from(">iii", answer)
    return bool(brokers > 0)


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise EOFError
        received += part
    return received
