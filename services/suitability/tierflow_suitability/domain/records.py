"""What the audit log keeps: decisions with everything they looked at, and every other step of a sale."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from tierflow_shared.ids import derived_id
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.decide import Decision

Trigger = Literal["request", "reference", "facts", "evidence", "approval", "confirmation"]
EntryKind = Literal[
    "sale-waiting",
    "sale-decided",
    "sale-documented",
    "sale-approved",
    "sale-declined",
    "sale-confirmed",
    "sale-withdrawn",
    "sale-expired",
    "assessment-answered",
    "assessment-confirmed",
    "product-written",
]


class DecisionRecord(Struct, frozen=True):
    """A decision with its inputs: enough to make it again years later."""

    decision_id: str
    sale_id: str
    trigger: Trigger
    case: Case
    decision: Decision


class AuditEntry(Struct, frozen=True):
    """One step, and who took it. `subject` is a token's subject, or the source of a message."""

    kind: EntryKind
    at: datetime
    subject: str
    sale_id: str | None = None
    decision: DecisionRecord | None = None
    assessment: Assessment | None = None
    details: Mapping[str, str] | None = None


def decision_id(sale_id: str, number: int) -> str:
    """The id of a sale's first, second, … decision."""
    return derived_id("decision", sale_id, number)
