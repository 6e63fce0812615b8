"""The compose file says what the product understands, and nothing else."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tierflow_contact_planner.settings import PlannerSettings
from tierflow_embedded.server import PORTS
from tierflow_events.settings import EventsSettings
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.settings import ServiceSettings
from tierflow_stack.kafka_files import kafka_version
from tierflow_suitability.settings import SuitabilitySettings

FOLDER: Final = Path(__file__).parents[3] / "deploy" / "compose"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SETTINGS: Final = {
    "events": EventsSettings, "scoring": ScoringSettings, "contact-planner": PlannerSettings,
    "suitability": SuitabilitySettings, "migrate": ServiceSettings,
}  # fmt: skip


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_is_a_setting(service: str) -> None:
    known = {f"TIERFLOW_{name.upper()}" for name in SETTINGS[service].model_fields}
    given = COMPOSE["services"][service]["environment"]
    assert given
    assert set(given) <= known


@pytest.mark.parametrize("service", SETTINGS)
def test_the_settings_accept_the_values(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the example's answers, as a service would read them."""
    for name, value in COMPOSE["services"][service]["environment"].items():
        monkeypatch.setenv(name, _filled(value))
    settings = SETTINGS[service]()
    assert settings.environment == "production"
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.database_url_for("contact-planner").endswith("@postgres:5432/tierflow_contact_planner")
    assert not settings.migrate_at_start


def _example() -> dict[str, str]:
    lines = (FOLDER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _filled(text: str) -> str:
    """As Docker fills in `${NAME:-default}` and `${NAME:?message}`."""
    example = _example()

    def value(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if name in example:
            return example[name]
        assert how == ":-", f"{name} must be in .env.example"
        return rest

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, str(text))


def test_every_variable_of_the_file_is_in_the_example_or_has_a_default() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    assert "${" not in _filled(text)


def test_each_service_is_started_published_and_asked_on_its_port() -> None:
    for service, port in PORTS.items():
        made = COMPOSE["services"][service]
        assert made["command"] == [service], "the image's start command, which listens on the service's port"
        assert [_filled(one) for one in made["ports"]] == [f"{port}:{port}"]
        assert f":{port}/readyz" in made["healthcheck"]["test"][-1]


def test_services_wait_for_the_broker_and_for_migrated_databases() -> None:
    for service in PORTS:
        awaited = COMPOSE["services"][service]["depends_on"]
        assert awaited["kafka"]["condition"] == "service_healthy"
        assert awaited["migrate"]["condition"] == "service_completed_successfully"
    assert "databases" in COMPOSE["services"]["migrate"]["depends_on"]


def test_every_database_is_created() -> None:
    script = (FOLDER / "databases.sh").read_text()
    for service in PORTS:
        assert service.replace("-", "_") in script


def test_it_names_the_kafka_that_the_tests_run_on() -> None:
    assert _filled(COMPOSE["services"]["kafka"]["image"]) == f"apache/kafka:{kafka_version()}"


def test_volumes_and_networks_that_are_used_are_declared() -> None:
    for made in COMPOSE["services"].values():
        assert set(made["networks"]) <= set(COMPOSE["networks"])
        named = {one.split(":")[0] for one in made.get("volumes", ()) if one[0].isalpha()}
        assert named <= set(COMPOSE["volumes"])
