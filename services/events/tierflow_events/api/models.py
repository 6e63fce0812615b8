"""Answers of the events service."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from tierflow_events.domain.letters import Letter
from tierflow_shared.web.models import StrictModel


class LogPosition(BaseModel):
    """Where a message lies on the log."""

    topic: str
    partition: int
    offset: int


class GroupProgress(BaseModel):
    """How one consumer group stands to a message."""

    position: int = Field(description="the next offset the group reads in this partition")
    passed: bool = Field(description="whether the group has read beyond the message")


class ReplayAnswer(BaseModel):
    """Who sent the message again, and where it lies now."""

    by: str
    at: datetime
    topic: str
    partition: int
    offset: int


class DeadLetterAnswer(BaseModel):
    """A message that a service could not take. Never its content."""

    id: str
    service: str = Field(description="which service could not take it")
    topic: str
    partition: int
    offset: int
    key: str = Field(description="customer id; for reference data the product's or relationship manager's id")
    event_id: str
    event_source: str
    event_type: str
    reason: str
    detail: str
    occurred_at: datetime
    replay: ReplayAnswer | None = Field(None, description="null until somebody sends it again")

    @staticmethod
    def of(letter: Letter) -> "DeadLetterAnswer":
        replay = letter.replay
        return DeadLetterAnswer(
            id=letter.id,
            service=letter.service,
            **letter.place._asdict(),
            key=letter.key,
            event_id=letter.event_id,
            event_source=letter.event_source,
            event_type=letter.event_type,
            reason=letter.reason,
            detail=letter.detail,
            occurred_at=letter.occurred_at,
            replay=ReplayAnswer(by=replay.by, at=replay.at, **replay.place._asdict()) if replay else None,
        )


class WhereAnswer(BaseModel):
    """Where an event is now."""

    source: str
    id: str
    position: LogPosition
    groups: dict[str, GroupProgress] = Field(description="groups that read this partition")
    dead_letters: list[DeadLetterAnswer] = Field(description="services that could not take it")


class PartitionAnswer(BaseModel):
    """One partition of a topic, and how far each group has read it."""

    partition: int
    earliest: int = Field(description="oldest offset kept")
    end: int = Field(description="offset the next message will get")
    groups: dict[str, int] = Field(description="next offset each group reads")
    lag: dict[str, int] = Field(description="messages each group has still to read")


class LogAnswer(BaseModel):
    """The log: every topic with its partitions."""

    topics: dict[str, list[PartitionAnswer]]


class BusinessDateBody(StrictModel):
    """All business days before this date are over."""

    business_date: date


class BusinessDateAnswer(BaseModel):
    """The business date, and whether this call advanced it."""

    business_date: date
    advanced: bool
