"""The production shape on one machine: Kafka, PostgreSQL and the four services, each a process of its own."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tierflow_stack import kafka, postgres
from tierflow_stack.asking import lag_of, problem_of
from tierflow_stack.free_ports import is_free
from tierflow_stack.kafka_files import StackError, locked
from tierflow_stack.processes import Member, end, members, spawn
from tierflow_stack.settings import (
    ISSUER,
    KAFKA_PORT,
    POSTGRES_PORT,
    SERVICES,
    Remembered,
    StackSettings,
    choose,
    client_settings,
    fingerprint,
    make_kek,
    product_command,
    serve_command,
    service_settings,
    usual_port,
)

_READY_WITHIN_S: Final = 90.0
_STOP_WITHIN_S: Final = 30.0
_TOOL_WITHIN_S: Final = 180.0
_LOOK_AGAIN_S: Final = 0.1
# Not in service.env: who sources that file starts another replica, which must not take this one's place.
_INSTANCE: Final = {"TIERFLOW_KAFKA_INSTANCE_ID": "stack"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the status. `health` is `ready` when all is well."""

    name: str
    address: str
    pid: int | None
    health: str
    lag: int | None
    log: Path | None


class Stack:
    """The servers and services that belong to one folder. Every call may be repeated, also after a crash of anything.

    `say` is told what happens, one line at a time.
    """

    def __init__(self, settings: StackSettings, say: Callable[[str], None] = lambda _: None) -> None:
        self.settings, self.folder, self._say = settings, settings.folder, say
        self._broker: kafka.KafkaBroker | None = None

    def up(self) -> None:
        """Starts what does not run, and starts anew what runs with other settings. Returns when all are ready.

        Raises:
            StackError, PostgresError: something is missing or did not start; the message says where its log lies.
        """
        self._make_folders()
        with locked(self.folder / "lock"):
            running = members(self.folder)
            ours = [one.port for one in running.values()]
            chosen = choose(self.settings, Remembered.load(self._memory), ours)
            variables = service_settings(self.settings, chosen, self._kafka_up(), self._postgres_up())
            self._make_issuer()
            make_kek(self.folder)
            self._say("migrating the databases")
            self._tool("migrate", variables=variables)
            chosen.save(self._memory)
            self._write_environments(variables, client_settings(self.settings, chosen))
            started = [self._service_up(service, chosen, variables, running.get(service)) for service in SERVICES]
            self._wait_until_ready(started)

    def restart(self, service: str) -> None:
        """Stops one service, or finds it dead, and starts it on the same port.

        Raises:
            StackError: there is no such service, the stack was never up, or the service does not become ready.
        """
        _must_be_one(service)
        chosen = Remembered.load(self._memory)
        if service not in chosen.ports:
            raise StackError("the stack has never been up: start it with 'up'")
        with locked(self.folder / "lock"):
            running = members(self.folder).get(service)
            if running is not None:
                self._end([running])
            bootstrap = self.settings.kafka_bootstrap or kafka.KafkaBroker(self.folder / "kafka").bootstrap
            variables = service_settings(self.settings, chosen, bootstrap, self._database_server().url(self._database))
            self._wait_until_ready([self._service_up(service, chosen, variables, None)])

    def stop(self, services: Sequence[str] = ()) -> None:
        """Stops these services, or all four; Kafka and PostgreSQL go on. The door goes first.

        Raises:
            StackError: there is no such service.
        """
        for service in services:
            _must_be_one(service)
        if self.folder.is_dir():
            with locked(self.folder / "lock"):
                self._stop(services or tuple(SERVICES))

    def _stop(self, services: Sequence[str]) -> None:
        running = [one for one in members(self.folder).values() if one.name in services]
        self._end([one for one in running if one.name == "events"])
        self._end([one for one in running if one.name != "events"])

    def down(self) -> None:
        """Stops the services, the door first; then our own Kafka and PostgreSQL. What is not ours stays."""
        if not self.folder.is_dir():
            return
        with locked(self.folder / "lock"):
            self._stop(tuple(SERVICES))
            if kafka.running_in(self.folder / "kafka") is not None:
                self._say("stopping Kafka")
                if self._broker is not None:
                    self._broker.stop()
                kafka.stop_left_over(self.folder / "kafka")
            cluster = self._own_cluster()
            if cluster is not None and cluster.pid is not None:
                self._say("stopping PostgreSQL")
                cluster.stop()

    def status(self) -> list[Row]:
        """How everything is. Asks each service for its health and its lag."""
        running, ports = members(self.folder), Remembered.load(self._memory).ports
        rows = [self._kafka_row(), self._postgres_row()]
        for service in SERVICES:
            member = running.get(service)
            port = member.port if member else ports.get(service, 0)
            health = (problem_of(port) or "ready") if member else "down"
            lag = lag_of(port) if member else None
            address = f"http://127.0.0.1:{port}" if port else "-"
            rows.append(Row(service, address, member.pid if member else None, health, lag, self._log(service)))
        return rows

    def client_environment(self) -> dict[str, str]:
        """The variables by which `tierflow` finds this stack."""
        return client_settings(self.settings, Remembered.load(self._memory))

    @property
    def _memory(self) -> Path:
        return self.folder / "stack.json"

    @property
    def _database(self) -> str:
        return self.settings.database("{service}")

    def _log(self, service: str) -> Path:
        return self.folder / "logs" / f"{service}.log"

    def _make_folders(self) -> None:
        for name in ("logs", "run", "data", "issuer"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def _kafka_up(self) -> str:
        """Our broker or the one that was named; returns where it listens."""
        if self.settings.kafka_bootstrap:
            self._say(f"Kafka at {self.settings.kafka_bootstrap} is used as it is")
            return self.settings.kafka_bootstrap
        folder = self.folder / "kafka"
        born = (folder / "port").exists()
        wanted = None if born else usual_port(self.settings.kafka_port, KAFKA_PORT)
        broker = kafka.KafkaBroker(folder, port=wanted)
        if kafka.running_in(folder) is None:
            if born and not is_free(broker.port):
                raise StackError(f"port {broker.port}, which this Kafka has since its first start, is taken")
            folder.mkdir(exist_ok=True)
            self._say("starting Kafka")
            broker.start()
            self._broker = broker
        return broker.bootstrap

    def _postgres_up(self) -> str:
        """Our cluster or the server that was named, with a database for each service; returns their URL."""
        server = self._database_server()
        if isinstance(server, postgres.Cluster) and server.pid is None:
            if not is_free(server.port):
                raise StackError(f"port {server.port} of PostgreSQL is taken; name another one in POSTGRES_PORT")
            self._say("starting PostgreSQL")
            server.start()
        for service in SERVICES:
            try:
                server.create_database(self.settings.database(service))
            except psycopg.errors.DuplicateDatabase:
                continue
        return server.url(self._database)

    def _database_server(self) -> postgres.Cluster | postgres.RunningServer:
        if self.settings.database_url:
            return postgres.RunningServer(self.settings.database_url)
        cluster = self._own_cluster()
        if cluster is None:
            port = usual_port(self.settings.postgres_port, POSTGRES_PORT)
            return postgres.Cluster(self.folder / "postgres", port=port)
        if self.settings.postgres_port not in (None, cluster.port) and cluster.pid is None:
            return postgres.Cluster(self.folder / "postgres", port=self.settings.postgres_port)
        return cluster

    def _own_cluster(self) -> postgres.Cluster | None:
        folder = self.folder / "postgres"
        return postgres.Cluster(folder) if (folder / "cluster.json").is_file() else None

    def _make_issuer(self) -> None:
        """A key pair and the file of public keys, by the product's own command. Kept from then on."""
        if (self.folder / "issuer" / "jwks.json").exists():
            return
        variables = {"TIERFLOW_ENVIRONMENT": "embedded", "TIERFLOW_ISSUER": ISSUER}
        words = ["token", "--subject", "stack", "--scope", "operations:read", "--hours", "1"]
        self._tool(*words, "--data-dir", str(self.folder / "issuer"), variables=variables)

    def _tool(self, *words: str, variables: Mapping[str, str]) -> None:
        done = subprocess.run(
            product_command(*words), env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=_TOOL_WITHIN_S,
        )  # fmt: skip
        if done.returncode:
            raise StackError(f"tierflow {words[0]} failed: {done.stderr.strip()[-2000:]}")

    def _write_environments(self, services: Mapping[str, str], clients: Mapping[str, str]) -> None:
        """Files to source: the services' variables hold the database's password, so they are for the owner alone."""
        for name, variables in (("service.env", services), ("client.env", clients)):
            path = self.folder / name
            path.touch(mode=0o600)
            lines = [f"export {variable}={shlex.quote(value)}\n" for variable, value in variables.items()]
            path.write_text("".join(lines), encoding="utf-8")

    def _service_up(
        self, service: str, chosen: Remembered, variables: Mapping[str, str], running: Member | None
    ) -> Member:
        command = serve_command(service, chosen)
        made_from = fingerprint(command, variables)
        if running is not None:
            if running.made_from == made_from:
                return running
            self._end([running])
        port = chosen.ports[service]
        self._say(f"starting {service} on http://127.0.0.1:{port}")
        member = spawn(
            service, port, made_from, self.folder, command,
            environment={**_INSTANCE, **os.environ, **variables}, log=self._log(service),
        )  # fmt: skip
        (self.folder / "run" / f"{service}.pid").write_text(f"{member.pid}\n", encoding="ascii")
        return member

    def _wait_until_ready(self, started: list[Member]) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        for member in started:
            while (problem := problem_of(member.port)) is not None:
                log = self._log(member.name)
                if member.name not in members(self.folder):
                    raise StackError(f"{member.name} ended while it started; its log {log} ends:\n{_last_words(log)}")
                if time.monotonic() > deadline:
                    raise StackError(f"{member.name} is not ready after {_READY_WITHIN_S:g} s ({problem}); see {log}")
                time.sleep(_LOOK_AGAIN_S)

    def _end(self, running: list[Member]) -> None:
        if running:
            names = ", ".join(one.name for one in running)
            self._say(f"stopping {names}")
            if not end([one.pid for one in running], _STOP_WITHIN_S):
                self._say(f"{names}: not gone after {_STOP_WITHIN_S:g} s, killed")
        for one in running:
            (self.folder / "run" / f"{one.name}.pid").unlink(missing_ok=True)

    def _kafka_row(self) -> Row:
        if self.settings.kafka_bootstrap:
            return Row(
                "kafka", self.settings.kafka_bootstrap, None, _foreign_kafka(self.settings.kafka_bootstrap), None, None
            )
        folder = self.folder / "kafka"
        if not (folder / "port").exists():
            return Row("kafka", "-", None, "down", None, None)
        broker, pid = kafka.KafkaBroker(folder), kafka.running_in(folder)
        serves = pid is not None and kafka.serves_metadata("127.0.0.1", broker.port)
        health = "ready" if serves else "down" if pid is None else "does not answer"
        return Row("kafka", broker.bootstrap, pid, health, None, broker.log)

    def _postgres_row(self) -> Row:
        if self.settings.database_url:
            server = postgres.RunningServer(self.settings.database_url)
            return Row("postgresql", server.where, None, "ready" if server.answers() else "does not answer", None, None)
        cluster = self._own_cluster()
        if cluster is None:
            return Row("postgresql", "-", None, "down", None, None)
        health = "down" if cluster.pid is None else "ready" if cluster.answers() else "does not answer"
        return Row("postgresql", cluster.where, cluster.pid, health, None, cluster.log_file)


def _must_be_one(service: str) -> None:
    if service not in SERVICES:
        raise StackError(f"there is no service {service}: {', '.join(SERVICES)}")


def _foreign_kafka(bootstrap: str) -> str:
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    return "ready" if kafka.serves_metadata(host, int(port)) else "does not answer"


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]
