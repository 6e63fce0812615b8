"""Settings of the suitability service."""

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.settings import Port


class SuitabilitySettings(PrivacySettings):
    """What suitability needs beside the settings of every service."""

    port: Port = Field(8004, description="port to listen on")
    packs_dir: Path | None = Field(None, description="folder of rule packs (TOML); default the shipped packs")
    questionnaires_dir: Path | None = Field(None, description="folder of questionnaires; default the shipped ones")
    time_zone: str = Field("UTC", max_length=64, description="zone of the bank's calendar days (IANA name)")
    max_sales_per_commit: int = Field(256, ge=1, le=10_000, description="sale requests decided in one transaction")
    max_waiting_sales: int = Field(2_000, ge=1, le=100_000, description="sale requests waiting before 429")

    @model_validator(mode="after")
    def _zone_exists(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone named {self.time_zone}") from error
        return self
