"""Addresses of a stack: chosen where asked, kept where possible, never on a port that others hold."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tierflow_stack.kafka_files import StackError
from tierflow_stack.settings import (
    SERVICES,
    Remembered,
    StackSettings,
    choose,
    client_settings,
    fingerprint,
    service_settings,
)

HERE = Path("/srv/stack")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORTS": "8001,8002"}, "PORTS names 4 different ports"),
        ({"PORTS": "1,2,3,99999"}, "PORTS names 4 different ports"),
        ({"PORTS": "8001,8001,8002,8003"}, "PORTS names 4 different ports"),
        ({"KAFKA_PORT": "often"}, "KAFKA_PORT is a port"),
        ({"STACK_PREFIX": "Not-This"}, "STACK_PREFIX"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(environment: dict[str, str], words: str) -> None:
    with pytest.raises(StackError, match=words):
        StackSettings.read(HERE, environment)


def test_ports_that_were_asked_for_are_used_in_the_services_order() -> None:
    settings = StackSettings.read(HERE, {"PORTS": "18101,18102,18103,18104"})
    chosen = choose(settings, Remembered(), ours=settings.ports)
    assert chosen.ports == dict(zip(SERVICES, (18101, 18102, 18103, 18104), strict=True))


def test_a_port_asked_for_that_somebody_holds_is_an_error_that_names_it(taken: int) -> None:
    settings = StackSettings(HERE, ports=(taken, 18102, 18103, 18104))
    with pytest.raises(StackError, match=f"port {taken}, asked for events, is taken"):
        choose(settings, Remembered(), ours=())
    assert choose(settings, Remembered(), ours=settings.ports).ports["events"] == taken


def test_a_remembered_port_that_somebody_holds_is_left_to_them(taken: int) -> None:
    last = Remembered(ports={"events": taken})
    assert choose(StackSettings(HERE), last, ours=()).ports["events"] != taken
    assert choose(StackSettings(HERE), last, ours=(taken,)).ports["events"] == taken


def test_no_two_services_share_a_port() -> None:
    same = Remembered(ports=dict.fromkeys(SERVICES, 18200))
    assert len(set(choose(StackSettings(HERE), same, ours=(18200,)).ports.values())) == len(SERVICES)


def test_policy_and_currency_stay_until_others_are_named(tmp_path: Path) -> None:
    Remembered(policy="berka", currency="CZK").save(tmp_path / "stack.json")
    last = Remembered.load(tmp_path / "stack.json")
    kept = choose(StackSettings(HERE), last, ours=())
    assert (kept.policy, kept.currency) == ("berka", "CZK")
    changed = choose(StackSettings(HERE, currency="CNY"), last, ours=())
    assert (changed.policy, changed.currency) == ("berka", "CNY")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"colour": 1}'])
def test_a_memory_that_a_crash_tore_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert Remembered.load(tmp_path / "stack.json") == Remembered()


def test_services_run_as_in_production_and_clients_find_them() -> None:
    settings = StackSettings(HERE, prefix="bank_a")
    chosen = Remembered(ports=dict(SERVICES))
    variables = service_settings(settings, chosen, "k:1", "postgresql+psycopg://db/x_{service}")
    assert variables["TIERFLOW_ENVIRONMENT"] == "production"
    assert variables["TIERFLOW_MIGRATE_AT_START"] == "false"
    assert variables["TIERFLOW_KAFKA_PREFIX"] == "bank_a."
    assert settings.database("contact-planner") == "bank_a_contact_planner"
    told = client_settings(settings, chosen)
    assert told["TIERFLOW_ISSUER"] == variables["TIERFLOW_ISSUER"]
    assert "contact-planner=http://127.0.0.1:8003" in told["TIERFLOW_URL"]


def test_another_setting_is_another_fingerprint() -> None:
    """By it `up` knows which services to start anew."""
    same = fingerprint(["serve"], {"A": "1", "B": "2"})
    assert same == fingerprint(["serve"], {"B": "2", "A": "1"})
    assert same != fingerprint(["serve"], {"A": "1", "B": "3"})
    assert same != fingerprint(["serve", "--port", "1"], {"A": "1", "B": "2"})
