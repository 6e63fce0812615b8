"""Bodies of the contact planner over HTTP."""

from datetime import date, datetime, time
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, WithJsonSchema

from tierflow_shared.contracts.outcomes import ContactOutcome
from tierflow_shared.contracts.primitives import Channel, Purpose
from tierflow_shared.web.models import Day, Id, StrictModel

Satisfaction = Annotated[int, Field(ge=1, le=5, description="1 (low) to 5")]

# JSON Schema's format `time` wants an offset; a working day begins at nine wherever the region is.
LocalTime = Annotated[
    time,
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}:[0-9]{2}$", "examples": ["09:00:00"]}),
]


class TextView(BaseModel):
    """What people read, in English and Chinese."""

    en: str
    zh: str


class ReasonView(BaseModel):
    """Why a contact is due, and what to say about it."""

    kind: str = Field(examples=["tier-pending"])
    reason_class: str = Field(examples=["relation"])
    cause: str
    due_on: date
    purpose: Purpose
    mandatory: bool
    label: TextView
    talking_point: TextView


class ResultView(BaseModel):
    """What came of a contact."""

    outcome: ContactOutcome
    channel: Channel
    occurred_at: datetime
    recorded_by: str
    satisfaction: int | None
    next_step_on: date | None
    noted: bool = Field(description="whether there is a note: GET /contact-planner/v1/contacts/{contact_id}/note")


class NoteView(BaseModel):
    """What the manager noted about a contact."""

    contact_id: str
    note: str | None = Field(description="null: nothing was noted, or the person was erased")
    erased: bool


class ContactView(BaseModel):
    """One contact from plan to outcome. `starts_at` is local time of the manager's region."""

    contact_id: str
    rm_id: str
    customer_id: str
    planned_on: date
    starts_at: LocalTime
    minutes: int
    due_on: date
    status: Literal["planned", "recorded", "withdrawn"]
    purpose: Purpose
    channel: Channel
    tier: str = Field(examples=["private-bank/platinum"])
    tier_label: TextView
    familiar: bool = Field(description="熟客: holds an investment product")
    personas: list[str]
    reasons: list[ReasonView]
    talking_points: list[TextView]
    result: ResultView | None


class SuppressedView(BaseModel):
    """A reason that a hard rule keeps out."""

    kind: str
    rule: str = Field(examples=["open-complaint"])


class DueView(BaseModel):
    """What is due for a customer. Without a channel the contact is blocked by consent."""

    customer_id: str
    due_on: date
    not_before: date
    status: Literal["open", "blocked-by-consent"]
    purpose: Purpose
    channel: Channel | None
    tier: str
    tier_label: TextView
    familiar: bool
    personas: list[str]
    reasons: list[ReasonView]
    suppressed: list[SuppressedView]
    talking_points: list[TextView]


class OverflowView(BaseModel):
    """A due contact that got no day, and the rule that kept it out."""

    rule: str = Field(examples=["capacity"])
    contact: DueView


class DayView(BaseModel):
    """One working day: `attempts` are the calls it takes to reach these customers by phone."""

    day: date
    familiar: int
    unfamiliar: int
    attempts: int
    contacts: list[ContactView]


class LoadView(BaseModel):
    """Minutes the book needs in the period by its cadences, beside the minutes there are."""

    customers: int
    needed_minutes: int
    available_minutes: int
    percent: int
    over_capacity: bool


class HoursView(BaseModel):
    """When customers may be contacted, local time; everything else is quiet."""

    zone: str
    opens: LocalTime
    closes: LocalTime


class PlanView(BaseModel):
    """A manager's plan. A draft promises nothing; a committed plan was published."""

    rm_id: str
    first: date
    last: date
    status: Literal["draft", "committed"]
    policy: str
    load: LoadView
    hours: HoursView
    contacts: int
    days: list[DayView]
    overflow_total: int
    overflow: list[OverflowView]
    blocked_total: int
    blocked: list[DueView]


class PlanRequest(StrictModel):
    """Plan one manager, or all active managers."""

    first: Annotated[Day, Field(alias="from", examples=["2026-03-02"])]
    """First day, included."""
    last: Annotated[Day, Field(alias="to", examples=["2026-03-08"])]
    """Last day, included."""
    rm_id: Id | None = None
    """One manager; without it all active ones."""


class PlannedView(BaseModel):
    """What planning did for one manager."""

    rm_id: str
    contacts: int
    overflow: int
    blocked: int
    load_percent: int


class PlansView(BaseModel):
    """What planning did. Repeating it says nothing new."""

    first: date
    last: date
    policy: str
    contacts: int
    published: int = Field(description="contacts that are new or have changed")
    withdrawn: int = Field(description="contacts that are no longer planned")
    managers: list[PlannedView]


class OutcomeRequest(StrictModel):
    """What came of a contact."""

    outcome: ContactOutcome = Field(examples=["reached"])
    channel: Channel | None = None
    """The channel really used; without it the planned one."""
    occurred_at: AwareDatetime | None = None
    """When it happened; without it now."""
    satisfaction: Satisfaction | None = None
    next_step_on: Day | None = None
    """The day agreed for the next step."""
    note: (
        Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra={"x-tierflow-data": "personal"})] | None
    ) = None
    """What was said, in the manager's words. It is kept sealed under the customer's key."""


class CustomerContactsView(BaseModel):
    """A customer's contacts, newest first, and what is due on `as_of`."""

    customer_id: str
    as_of: date
    owner: str = Field(description="the manager who owns the customer; `pool` while nobody can")
    due: DueView | None
    items: list[ContactView]
    next: str | None


class TierCoverageView(BaseModel):
    """Customers of one tier; `percent` is the share on time of those with a cadence."""

    tier: str
    label: TextView
    customers: int
    with_cadence: int
    within: int
    percent: int | None


class OverdueView(BaseModel):
    """A customer whose regular contact is late."""

    customer_id: str
    tier: str
    due_on: date
    days_late: int


class CoverageView(BaseModel):
    """Coverage in cadence units, per tier, with the overdue list in pages."""

    as_of: date
    rm_id: str | None
    customers: int
    with_cadence: int
    within: int
    percent: int | None
    overdue_total: int
    tiers: list[TierCoverageView]
    items: list[OverdueView]
    next: str | None


class ManagerView(BaseModel):
    """A relationship manager and the size of the book."""

    rm_id: str
    role: str
    region: str
    active: bool
    weekly_list: int
    daily_reached: int
    customers: int


class ManagersView(BaseModel):
    """Managers in the order of their ids."""

    as_of: date
    items: list[ManagerView]
    next: str | None


class DigestView(BaseModel):
    """One number over all due contacts of a day."""

    as_of: date
    sha256: str
    contacts: int
    blocked: int
    reasons: dict[str, int]
