"""A real Kafka behind TLS and SASL/SCRAM: the right authority, user and password get in, nobody else does."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.tls.certificates import Authority
from tierflow_shared.bus.kafka import KafkaBus
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus, BusUnavailableError, Message, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_stack.free_ports import free_port
from tierflow_stack.kafka import KafkaBroker
from tierflow_stack.kafka_files import find_program, jars

pytestmark = pytest.mark.anyio
USER, WORD = "tierflow", "known-to-the-broker-alone"
TOPIC = "bank.events"


class Guarded(NamedTuple):
    """Where the broker's encrypted listener is, and what a client needs to get in."""

    bootstrap: str
    ours: Path
    stranger: Path
    password_file: Path
    wrong_password_file: Path

    def settings(self, **changes: Any) -> ServiceSettings:
        named: dict[str, Any] = {
            "kafka_bootstrap": self.bootstrap, "kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": USER,
            "kafka_sasl_password_file": self.password_file, "kafka_ca_file": self.ours,
            "kafka_request_timeout_s": 30.0, **changes,
        }  # fmt: skip
        return ServiceSettings(**named)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("kafka-tls")
    ours, stranger = Authority.make(folder, "ours"), Authority.make(folder, "stranger")
    certificate, key = ours.serve(folder, "127.0.0.1")
    keystore = folder / "keystore.pem"
    keystore.touch(mode=0o600)
    keystore.write_text(key.read_text() + certificate.read_text())
    plain, control, secure = free_port(), free_port(), free_port()
    places = f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{control},SASL_SSL://127.0.0.1:{secure}"
    settings = {
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{control}",
        "listeners": places,
        "advertised.listeners": places,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ours.file),
    }
    broker = KafkaBroker(folder / "broker", port=plain, heap_mb=256, settings=settings)
    files = []
    for name, secret in (("right", WORD), ("wrong", "not-it")):
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(secret + "\n")
        files.append(file)
    try:
        broker.start()
        _add_user(f"127.0.0.1:{plain}")
        yield Guarded(f"127.0.0.1:{secure}", ours.file, stranger.file, *files)
    finally:
        broker.stop()


def _add_user(bootstrap: str) -> None:
    command = [
        find_program("java", "default-jre-headless"), "-cp", f"{jars()}/*", "kafka.admin.ConfigCommand",
        "--bootstrap-server", bootstrap, "--alter", "--entity-type", "users", "--entity-name", USER,
        "--add-config", f"SCRAM-SHA-512=[password={WORD}]",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr


@asynccontextmanager
async def log(settings: ServiceSettings) -> AsyncIterator[Bus]:
    bus = open_bus(settings, SystemClock())
    assert isinstance(bus, KafkaBus)
    try:
        yield bus
    finally:
        await bus.close(5.0)


async def test_the_right_authority_user_and_password_publish_and_read(guarded: Guarded) -> None:
    async with log(guarded.settings()) as bus:
        await bus.ensure_topics({TOPIC: 1})
        await bus.producer().publish([Message(TOPIC, "c-1", b"encrypted", ())])
        records = await bus.fetch(TopicPartition(TOPIC, 0), 0, 10)
    assert [record.value for record in records] == [b"encrypted"]


@pytest.mark.parametrize(
    "wrong",
    ["authority", "password", "user", "no-sasl", "no-tls"],
)
async def test_anything_else_is_refused(wrong: str, guarded: Guarded) -> None:
    changes: dict[str, dict[str, Any]] = {
        "authority": {"kafka_ca_file": guarded.stranger},
        "password": {"kafka_sasl_password_file": guarded.wrong_password_file},
        "user": {"kafka_sasl_username": "somebody"},
        "no-sasl": {"kafka_security_protocol": "SSL"},
        "no-tls": {"kafka_security_protocol": "SASL_PLAINTEXT"},
    }
    async with log(guarded.settings(**changes[wrong], kafka_request_timeout_s=5.0)) as bus:
        with pytest.raises(BusUnavailableError) as caught:
            await bus.partitions(TOPIC)
    assert WORD not in f"{caught.value}{caught.value!r}"
    assert "not-it" not in f"{caught.value}{caught.value!r}"
