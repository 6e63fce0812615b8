"""What a report shows, independent of how it was asked for and how it is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple


class Words(NamedTuple):
    """A term in both languages of the bank."""

    english: str
    chinese: str


class TierCount(NamedTuple):
    """How many customers stand on one step of a pyramid; steps go from lowest to highest."""

    tier: str
    label: Words
    customers: int


@dataclass(frozen=True, slots=True)
class Pyramid:
    """One scheme's tiers, lowest first."""

    scheme: str
    label: Words
    policy_version: str
    tiers: Sequence[TierCount]

    @property
    def customers(self) -> int:
        return sum(tier.customers for tier in self.tiers)


class MonthMoves(NamedTuple):
    """How many customers moved in a month (`YYYY-MM`)."""

    month: str
    up: int
    down: int
    transitions: Mapping[str, int]  # "personal → platinum": count


class Mover(NamedTuple):
    """A customer that moved far, and why."""

    customer_id: str
    previous: str
    tier: str
    on: str
    reasons: Sequence[str]


class PlannedContact(NamedTuple):
    """A line of an RM's plan."""

    on: str
    customer_id: str
    channel: str
    familiar: bool
    reasons: Sequence[str]


class Load(NamedTuple):
    """What an RM's week holds against what it can hold."""

    rm_id: str
    planned: int
    capacity: int


class SaleCase(NamedTuple):
    """One sale as an example: what was asked, what was decided, and the findings that decided it."""

    sale_id: str
    state: str
    product_id: str
    amount: str
    findings: Sequence[str]


class SaleReason(NamedTuple):
    """How often a rule decided a sale."""

    rule_id: str
    article: str
    verdict: str
    sales: int


class Check(NamedTuple):
    """One line of the reconciliation."""

    what: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Report:
    """Everything on the page."""

    title: str
    business_date: str
    pyramids: Sequence[Pyramid]
    moves: Sequence[MonthMoves]
    movers: Sequence[Mover]
    plan_rm: str
    plan: Sequence[PlannedContact]
    loads: Sequence[Load]
    sales: Mapping[str, int]
    sale_reasons: Sequence[SaleReason]
    examples: Sequence[SaleCase]
    checks: Sequence[Check] = field(default_factory=tuple)
    digests: Mapping[str, str] = field(default_factory=dict)


SALE_STATES: Final[Mapping[str, Words]] = {
    "confirmed": Words("confirmed", "已确认"),
    "approved": Words("approved", "已批准"),
    "needs-evidence": Words("needs evidence", "待补材料"),
    "referred": Words("referred to a person", "转人工"),
    "blocked": Words("blocked", "已拦截"),
    "rejected": Words("rejected", "已拒绝"),
    "requested": Words("requested", "已申请"),
    "expired": Words("expired", "已过期"),
}


def words(table: Mapping[str, Words], key: str) -> Words:
    """Both languages of a term; a term nobody translated stands for itself."""
    return table.get(key, Words(key, ""))
