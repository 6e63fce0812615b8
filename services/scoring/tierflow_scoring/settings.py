"""Settings of the scoring service."""

from pydantic import Field

from tierflow_shared.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    """What the scoring service needs to know beside what every service needs."""

    policy_set: str = Field(
        "standard",
        min_length=1,
        max_length=500,
        description="which policies decide tiers: standard, berka, or a folder of the same form",
    )
    bucket_cache_limit: int = Field(
        60_000, ge=0, le=50_000_000, description="daily buckets of recent days kept in memory per partition"
    )
    recent_money_limit: int = Field(
        10_000_000, ge=0, le=1_000_000_000, description="changes of the last 90 days kept per partition (12 bytes each)"
    )
    earliest_booking_day: int = Field(
        0, ge=0, le=84_000, description="bookings before this day (days since 1970-01-01) are refused"
    )
    booking_days_ahead: int = Field(
        366, ge=0, le=3_660, description="bookings more days after they reached the log are refused"
    )
    closing_portion: int = Field(
        50, ge=1, le=1_000_000, description="customers for whom one transaction writes the days that are over"
    )
