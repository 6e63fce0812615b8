"""Answers of the events service."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from tierflow_events.domain.letters import Kind, Letter, Outcome, Replay
from tierflow_events.handlers.inspecting import Content, Fate, OnLog
from tierflow_shared.web.models import ProblemDetail, StrictModel


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
    """What was done about a letter: by whom, when, where the message lies now, and what became of it."""

    kind: Kind = Field(description="replay: the same message again; fix: a corrected event in its place")
    by: str = Field(description="who, as the token says", examples=["operator-7"])
    at: datetime
    topic: str = Field(examples=["bank.events"])
    partition: int | None = Field(description="null until the log has it")
    offset: int | None = Field(description="null until the log has it")
    run: str | None = Field(None, description="the bulk replay it was part of", examples=["run-5f0c"])
    event_id: str | None = Field(None, description="id of the corrected event", examples=["fix-09ab"])
    outcome: Outcome | None = Field(
        description="sending; waiting: the service has not read it yet; passed: it has, and reported nothing so far; "
        "failed-again: see failed_as"
    )
    failed_as: str | None = Field(None, description="the new dead letter, if it failed again")


class DeadLetterAnswer(BaseModel):
    """A message that a service could not take. Never its content."""

    id: str = Field(examples=["dl-4be1"])
    service: str = Field(description="which service could not take it", examples=["scoring"])
    topic: str = Field(examples=["bank.events"])
    partition: int
    offset: int
    key: str = Field(description="customer id; for reference data the product's or relationship manager's id")
    event_id: str
    event_source: str
    event_type: str = Field(examples=["bank.transaction.posted.v1"])
    reason: str = Field(examples=["no-rate"])
    detail: str
    occurred_at: datetime
    replay_of: str | None = Field(None, description="the letter whose replay or fix failed again as this one")
    first: str | None = Field(None, description="the letter with which it all began, if this is a later one")
    replay: ReplayAnswer | None = Field(None, description="null until somebody sends it again")

    @staticmethod
    def of(letter: Letter, fate: Fate) -> "DeadLetterAnswer":
        return DeadLetterAnswer(**_fields(letter, fate))


class FieldAnswer(BaseModel):
    """A field of the message, without its value."""

    name: str = Field(examples=["data.amount.value"])
    kind: str = Field(description="text, number, boolean or null", examples=["text"])


class ContentAnswer(BaseModel):
    """What the message is made of. Values are never shown: they may be personal."""

    state: OnLog = Field(
        description="on-log; gone: retention removed it; never: it was refused before the log; unknown: ask again"
    )
    fields: list[FieldAnswer] = []
    fault: ProblemDetail | None = Field(None, description="the rule of the type's schema that it breaks, if any")


class DeadLetterDetail(DeadLetterAnswer):
    """A dead letter with what its message is made of."""

    content: ContentAnswer

    @staticmethod
    def with_content(letter: Letter, fate: Fate, content: Content) -> "DeadLetterDetail":
        fault = content.fault
        return DeadLetterDetail(
            **_fields(letter, fate),
            content=ContentAnswer(
                state=content.state,
                fields=[FieldAnswer(name=field.name, kind=field.kind) for field in content.fields],
                fault=ProblemDetail(**fault._asdict()) if fault else None,
            ),
        )


def _fields(letter: Letter, fate: Fate) -> dict[str, Any]:
    return {
        "id": letter.id,
        "service": letter.service,
        **letter.place._asdict(),
        "key": letter.key,
        "event_id": letter.event_id,
        "event_source": letter.event_source,
        "event_type": letter.event_type,
        "reason": letter.reason,
        "detail": letter.detail,
        "occurred_at": letter.occurred_at,
        "replay_of": letter.replay_of,
        "first": letter.first,
        "replay": _replay(letter, letter.replay, fate) if letter.replay else None,
    }


def _replay(letter: Letter, replay: Replay, fate: Fate) -> ReplayAnswer:
    return ReplayAnswer(
        kind=replay.kind,
        by=replay.by,
        at=replay.at,
        topic=letter.place.topic,
        partition=replay.place.partition if replay.place else None,
        offset=replay.place.offset if replay.place else None,
        run=replay.run,
        event_id=replay.event_id,
        outcome=fate.outcome,
        failed_as=fate.failed_as,
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
