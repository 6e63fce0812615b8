"""What operators ask to be done about dead letters, and what they hear."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tierflow_events.domain.letters import LetterFilter
from tierflow_events.handlers.replay import Result
from tierflow_shared.web.models import TECHNICAL, Id, StrictModel

MOST_AT_ONCE: Final = 500
Text = Annotated[str, Field(max_length=200, pattern=r"^[\x21-\x7e]+$")]
_CRITERIA: Final = ("ids", "customer", "service", "type", "reason", "since", "until")


class BulkBody(StrictModel):
    """Which open letters to replay: those that meet all that is named. At least one thing must be named."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "no-rate", "from": "2026-03-02T00:00:00Z", "dry_run": True}]}
    )

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    customer: Text | None = Field(None, description="the messages' key: a customer's id")
    service: Text | None = Field(None, description="which service could not take it")
    type: Text | None = Field(None, description="event type")
    reason: Text | None = None
    since: datetime | None = Field(None, alias="from", description="not before; RFC 3339 with offset")
    until: datetime | None = Field(None, alias="to", description="before; RFC 3339 with offset")
    limit: int = Field(200, ge=1, le=MOST_AT_ONCE, description="most letters in this step")
    dry_run: bool = Field(False, description="only say how many")
    cursor: Annotated[str, Field(max_length=512, json_schema_extra=TECHNICAL)] | None = Field(
        None, description="`next` of the step before"
    )

    @model_validator(mode="after")
    def _is_bounded(self) -> "BulkBody":
        if all(getattr(self, name) is None for name in _CRITERIA):
            raise PydanticCustomError(
                "criterion", "name at least one of ids, customer, service, type, reason, from, to"
            )
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise PydanticCustomError("offset", "a time needs an offset from UTC")
        return self

    def wanted(self) -> LetterFilter:
        """The same as the list's filter."""
        ids = None if self.ids is None else tuple(self.ids)
        return LetterFilter(
            self.type, self.customer, self.service, self.reason, self.since, self.until, state=None, ids=ids
        )


class GroupAnswer(BaseModel):
    """How many letters have this in common."""

    service: str = Field(examples=["scoring"])
    type: str = Field(examples=["bank.transaction.posted.v1"])
    reason: str = Field(examples=["no-rate"])
    letters: int


class ResultAnswer(BaseModel):
    """What became of one letter of this step."""

    id: str
    result: Result = Field(description="already: somebody else sent it meanwhile; not-replayable: not on the log")


class BulkAnswer(BaseModel):
    """One step of a bulk replay. Send the same body with `cursor` = `next` until `next` is null."""

    run: str = Field(description="names the whole replay in each letter's audit", examples=["run-5f0c"])
    dry_run: bool
    matched: int = Field(description="open letters that meet the criteria at the start of this step")
    groups: list[GroupAnswer]
    replayed: int
    already: int
    not_replayable: int
    results: list[ResultAnswer]
    next: str | None


class FixBody(StrictModel):
    """The corrected data as a whole (`data`), or only what changes (`changes`, a JSON merge patch). One of the two."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"changes": {"amount": {"currency": "CZK"}}}]})

    data: dict[str, Any] | None = Field(None, description="all fields of the type's schema")
    changes: dict[str, Any] | None = Field(None, description="RFC 7396: null takes a field away")
    dry_run: bool = Field(False, description="only check the corrected data")

    @model_validator(mode="after")
    def _is_one(self) -> "FixBody":
        if (self.data is None) == (self.changes is None):
            raise PydanticCustomError("one-of", "give either data or changes")
        return self


StateName = Literal["open", "replayed"]
