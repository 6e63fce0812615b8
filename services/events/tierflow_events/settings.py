"""Settings of the events service."""

from pydantic import Field

from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.settings import Port


class EventsSettings(PrivacySettings):
    """What the events service needs beyond every service's settings."""

    port: Port = Field(8001, description="port to listen on")
    max_clock_ahead_s: int = Field(300, ge=0, le=86_400, description="how far an event's time may lie ahead of ours")
    max_waiting_requests: int = Field(1_000, ge=1, description="requests waiting to be written before 429")
    max_group_events: int = Field(10_000, ge=1, description="events of several requests written in one transaction")
    consumer_groups: tuple[str, ...] = Field(
        ("scoring", "contact-planner", "suitability", "events"), description="groups whose positions are shown"
    )
