"""Settings of the contact planner."""

from pydantic import Field

from tierflow_shared.privacy.settings import PrivacySettings


class PlannerSettings(PrivacySettings):
    """What contact planning needs beside the settings of every service."""

    contact_policy: str = Field(
        "standard-2026-01", pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", description="contact policy (a shipped TOML file)"
    )
    plan_max_listed: int = Field(
        500, ge=1, le=10_000, description="most overflow and blocked contacts listed in one plan; totals are exact"
    )
    outcome_ahead_s: int = Field(300, ge=0, le=86_400, description="how far an outcome's time may lie ahead of ours")
