"""A stack of its own for one run: the production shape with the book told, and what can be done to it."""

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import load, server, stream, waiting
from tierflow_stack import kafka
from tierflow_stack.kafka_files import StackError
from tierflow_stack.settings import StackSettings
from tierflow_stack.stack import Stack

_TAKEN_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class World:
    """A stack that is up, its addresses by service and a token that may do everything."""

    stack: Stack
    urls: Mapping[str, str]
    token: str
    customers: int

    def port(self, service: str) -> int:
        """Where a service listens."""
        return int(self.urls[service].rsplit(":", 1)[1])

    @property
    def broker_folder(self) -> Path:
        """Where our Kafka has its data."""
        return self.stack.folder / "kafka"

    @property
    def bootstrap(self) -> str:
        """Where Kafka listens."""
        return kafka.KafkaBroker(self.broker_folder).bootstrap

    def kill_broker(self) -> None:
        """kill -9.

        Raises:
            StackError: it does not run.
        """
        pid = kafka.running_in(self.broker_folder)
        if pid is None:
            raise StackError("the broker does not run")
        os.kill(pid, signal.SIGKILL)
        waiting.until(lambda: ["kafka"] if kafka.running_in(self.broker_folder) else [], 30.0, look_s=0.05)

    def tell_the_book(self) -> None:
        """Every customer with account and verified identity, the managers and a product; all services know them."""
        events = [*stream.book(self.customers), stream.product()]
        requests = [
            load.request("/events/v1/events", body, token=self.token, content_type=stream.BATCH_TYPE)
            for body in stream.bodies(iter(events), 500)
        ]
        load.accepted(self.port("events"), requests, 4, allowed={202})


@contextmanager
def opened(customers: int, environment: Mapping[str, str]) -> Iterator[World]:
    """Starts a stack in a folder of its own, with more environment for its services; stops and removes it in the end.

    Raises:
        StackError: the run would use a broker or a database of somebody else.
    """
    with tempfile.TemporaryDirectory(prefix="tierflow-soak-") as name, _environment(environment):
        Path(name).chmod(0o755)  # PostgreSQL runs as its own user
        stack = Stack(StackSettings.read(Path(name) / "stack", {}))
        try:
            stack.up()
            yield World(stack, server.addresses(stack), server.stack_token(stack), customers)
        finally:
            stack.down()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
