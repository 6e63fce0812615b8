"""Dated facts about a customer: last-writer-wins registers, and the steps they make in the customer's flows.

The newest event (by its time, then source and id) decides each register, so facts are a function of the set of events.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from tierflow_scoring.domain.days import FAR
from tierflow_scoring.domain.flows import LENT

Stamp = tuple[str, str, str]  # event time in UTC, source, id
Change = Literal["changed", "same", "older"]
Steps = dict[tuple[int, int], int]  # (day, flow) -> change on that day


@dataclass(slots=True)
class Account:
    """An account as opened and as closed; either may be known alone."""

    kind: str | None = None
    opened_on: int | None = None
    opened_by: Stamp | None = None
    closed_on: int | None = None
    closed_by: Stamp | None = None

    @property
    def is_lent(self) -> bool:
        """True for money of the bank. An account that is not known yet counts as a deposit."""
        return self.kind in LENT


@dataclass(slots=True)
class Diligence:
    """The state of due diligence from a day on, valid up to and including `valid_until`."""

    status: str
    valid_until: int | None
    by: Stamp


@dataclass(slots=True)
class Order:
    """A standing payment order."""

    active: bool
    by: Stamp


@dataclass(frozen=True, slots=True)
class Party:
    """A right to an account: `owner` or `authorised`. The money counts for the owner alone."""

    account_id: str
    role: str
    by: Stamp


@dataclass(slots=True)
class Profile:
    """What the newest profile says, as far as scores use it."""

    kind: str
    relationship_since: int | None
    yearly_income: int | None  # minor units of the base currency
    by: Stamp


@dataclass(slots=True)
class Facts:
    """Everything dated that is known about one customer beside bookings and holdings."""

    profile: Profile | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    diligence: dict[int, Diligence] = field(default_factory=dict)  # by first day
    orders: dict[str, Order] = field(default_factory=dict)
    parties: dict[str, Party] = field(default_factory=dict)

    def set_profile(self, profile: Profile) -> Change:
        """Takes a profile if it is newer than the known one."""
        outcome = newer(profile.by, self.profile.by if self.profile else None)
        if outcome == "changed":
            self.profile = profile
        return outcome

    def open_account(self, account_id: str, kind: str, opened_on: int, by: Stamp) -> Change:
        """Takes what an account is and since when."""
        account = self.accounts.setdefault(account_id, Account())
        outcome = newer(by, account.opened_by)
        if outcome == "changed":
            account.kind, account.opened_on, account.opened_by = kind, opened_on, by
        return outcome

    def close_account(self, account_id: str, closed_on: int, by: Stamp) -> Change:
        """Takes the last day of an account."""
        account = self.accounts.setdefault(account_id, Account())
        outcome = newer(by, account.closed_by)
        if outcome == "changed":
            account.closed_on, account.closed_by = closed_on, by
        return outcome

    def set_diligence(self, effective_on: int, diligence: Diligence) -> Change:
        """Takes the state of due diligence from a day on."""
        known = self.diligence.get(effective_on)
        outcome = newer(diligence.by, known.by if known else None)
        if outcome == "changed":
            self.diligence[effective_on] = diligence
        return outcome

    def set_order(self, order_id: str, order: Order) -> Change:
        """Takes a standing order."""
        known = self.orders.get(order_id)
        outcome = newer(order.by, known.by if known else None)
        if outcome == "changed":
            self.orders[order_id] = order
        return outcome

    def set_party(self, party_id: str, party: Party) -> Change:
        """Takes a right to an account."""
        known = self.parties.get(party_id)
        outcome = newer(party.by, known.by if known else None)
        if outcome == "changed":
            self.parties[party_id] = party
        return outcome

    @property
    def start(self) -> int:
        """First day of the relationship by account openings and profile; `FAR` if neither says."""
        opened = [account.opened_on for account in self.accounts.values() if account.opened_on is not None]
        since = self.profile.relationship_since if self.profile else None
        return min([*opened, FAR if since is None else since])

    @property
    def lent_accounts(self) -> frozenset[str]:
        """Accounts that hold the bank's money."""
        return frozenset(name for name, account in self.accounts.items() if account.is_lent)

    @property
    def authorised_accounts(self) -> int:
        """Accounts of others that the customer may use."""
        return sum(party.role == "authorised" for party in self.parties.values())

    @property
    def open_orders(self) -> int:
        """Standing orders in force."""
        return sum(order.active for order in self.orders.values())


def newer(by: Stamp, known: Stamp | None) -> Change:
    """Whether an event decides a register: "same" is the event that decided it already."""
    if known is None or by > known:
        return "changed"
    return "same" if by == known else "older"


def account_steps(facts: Facts) -> dict[int, int]:
    """Open accounts: +1 on the first day, -1 on the day after the last."""
    steps: dict[int, int] = {}
    for account in facts.accounts.values():
        if account.opened_on is None:
            continue
        if account.closed_on is not None and account.closed_on < account.opened_on:
            continue
        steps[account.opened_on] = steps.get(account.opened_on, 0) + 1
        if account.closed_on is not None:
            steps[account.closed_on + 1] = steps.get(account.closed_on + 1, 0) - 1
    return steps


def diligence_steps(facts: Facts) -> dict[int, int]:
    """Valid due diligence: +1 on the first day of each valid stretch, -1 on the day after its last."""
    steps: dict[int, int] = {}
    for start, following in pairwise([*sorted(facts.diligence), FAR]):
        state = facts.diligence[start]
        until = following if state.valid_until is None else min(following, state.valid_until + 1)
        if state.status != "verified" or until <= start:
            continue
        steps[start] = steps.get(start, 0) + 1
        if until < FAR:
            steps[until] = steps.get(until, 0) - 1
    return steps
