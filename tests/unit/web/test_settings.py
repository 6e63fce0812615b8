"""Settings: documented, bounded, and production does not start half-configured."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tierflow_shared.settings import EMBEDDED_ISSUER, ServiceSettings


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in ServiceSettings.model_fields.items() if not field.description] == []


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERFLOW_PARTITIONS", "8")
    monkeypatch.setenv("TIERFLOW_DATA_DIR", "/data")
    settings = ServiceSettings()
    assert settings.partitions == 8
    assert settings.database_url_for("scoring") == "sqlite:////data/scoring.db"
    assert settings.bus_file == Path("/data/log.db")
    assert settings.expected_issuer == EMBEDDED_ISSUER


@pytest.mark.parametrize(
    "changes",
    [{}, {"issuer": "https://issuer"}, {"jwks": "https://issuer/keys"}, {"issuer": "i", "jwks": "http://issuer/keys"}],
)
def test_production_needs_an_external_issuer(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"ISSUER|https"):
        ServiceSettings(environment="production", **changes)  # type: ignore[arg-type]


def test_production_starts_with_one() -> None:
    settings = ServiceSettings(environment="production", issuer="https://issuer", jwks="https://issuer/keys")
    assert settings.expected_issuer == "https://issuer"


@pytest.mark.parametrize("changes", [{"partitions": 0}, {"max_json_depth": 1}, {"port": 70_000}])
def test_limits_have_bounds(changes: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(**changes)  # type: ignore[arg-type]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ServiceSettings().partitions = 3  # type: ignore[misc]


def test_one_url_can_name_a_database_for_each_service() -> None:
    settings = ServiceSettings(database_url="postgresql+psycopg://db/tierflow_{service}")
    assert settings.database_url_for("contact-planner") == "postgresql+psycopg://db/tierflow_contact_planner"
