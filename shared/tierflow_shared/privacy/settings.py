"""Settings of the services that seal or open personal data: where keys lie, and what they are wrapped with."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from tierflow_shared.settings import ServiceSettings


class PrivacySettings(ServiceSettings):
    """A part of the settings of events, contact-planner and suitability. Scoring opens nothing and needs none of it."""

    kek: SecretStr | None = Field(
        None,
        description="key-encryption keys, each 32 bytes in base64, separated by commas: the first wraps, all unwrap; "
        "production needs this or TIERFLOW_KEK_FILE",
    )
    kek_file: Path | None = Field(
        None, description="file with the key-encryption keys, one a line; embedded default data_dir/kek.key"
    )
    keys_url: str | None = Field(
        None,
        description="URL of the database that holds the customers' keys; default that of the events service, which "
        "must be named where TIERFLOW_DATABASE_URL has no {service} in it",
    )
    keys_cache_s: float = Field(300.0, gt=0, le=3600, description="longest time a customer's key stays in memory")
    keys_cache_size: int = Field(50_000, ge=1, le=5_000_000, description="most customers' keys in memory")
    personal_data: str = Field(
        "sealed",
        pattern=r"^(sealed|clear)$",
        description="clear: personal fields are not encrypted, for a comparison in a test; production refuses it",
    )
    clear_on_log: str = Field(
        "refuse",
        pattern=r"^(refuse|accept)$",
        description="what becomes of personal fields that lie unsealed on the log (written past the HTTP door, or by a "
        "version that did not seal): a dead letter, or accepted and sealed in the database",
    )

    @model_validator(mode="after")
    def _production_seals(self) -> Self:
        if self.environment == "production" and self.personal_data == "clear":
            raise ValueError("production seals personal data: TIERFLOW_PERSONAL_DATA must be sealed")
        return self

    @property
    def keys_database_url(self) -> str:
        """The database that holds the customers' keys."""
        return self.keys_url or self.database_url_for("events")
