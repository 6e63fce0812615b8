"""Which log the settings choose, and what they refuse."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tierflow_shared.bus.kafka import KafkaBus
from tierflow_shared.bus.opening import kafka_options, open_bus
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import SystemClock
from tierflow_shared.settings import ServiceSettings

pytestmark = pytest.mark.anyio


async def test_without_a_bootstrap_the_log_is_a_file(tmp_path: Path) -> None:
    """The embedded default."""
    bus = open_bus(ServiceSettings(data_dir=tmp_path), SystemClock())
    assert isinstance(bus, SqliteBus)
    await bus.close(1.0)


async def test_with_a_bootstrap_it_is_kafka_and_opening_asks_nothing(tmp_path: Path) -> None:
    """A service starts while its broker is away."""
    bus = open_bus(ServiceSettings(data_dir=tmp_path, kafka_bootstrap="127.0.0.1:1"), SystemClock())
    assert isinstance(bus, KafkaBus)
    await bus.close(1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka_heartbeat_s": 4.0, "kafka_session_timeout_s": 10.0},
        {"kafka_min_insync_replicas": 2},
        {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "u"},
        {"kafka_cert_file": Path("c.pem")},
        {"kafka_prefix": "with space"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, object]) -> None:
    """At the start, not at the first connection."""
    with pytest.raises(ValidationError):
        ServiceSettings.model_validate(wrong)


def test_the_password_comes_from_its_file_and_tls_from_the_protocol(tmp_path: Path) -> None:
    """What the client library is told."""
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    settings = ServiceSettings(
        kafka_security_protocol="SASL_SSL", kafka_sasl_username="tierflow", kafka_sasl_password_file=secret
    )
    told = kafka_options(settings, "kafka:9093").connection()
    assert (told["sasl_plain_username"], told["sasl_plain_password"]) == ("tierflow", "s3cret")
    assert told["sasl_mechanism"] == "SCRAM-SHA-512"
    assert told["ssl_context"].check_hostname
    assert "ssl_context" not in kafka_options(ServiceSettings(), "kafka:9092").connection()


def test_the_banks_facts_are_kept_longer_than_what_we_say() -> None:
    """Retention by topic."""
    options = kafka_options(ServiceSettings(), "kafka:9092")
    assert options.topic_settings("bank.events")["retention.ms"] == "-1"
    assert options.topic_settings("tierflow.tiers")["retention.ms"] == str(365 * 86_400_000)
