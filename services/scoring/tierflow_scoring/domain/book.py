"""The book of one partition: a column per number, a slot per customer, and the day that is still open.

The open day is the latest booking day that the partition's log has shown. All days before it are closed for all its
customers, so what is published depends on the sequence of records alone, never on how they were polled.
"""

from typing import Final

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.block import FlowRows, Span, money_of, one_day
from tierflow_scoring.domain.days import FAR, add_months
from tierflow_scoring.domain.features import Level
from tierflow_scoring.domain.flows import Flow
from tierflow_scoring.domain.fold import Carried, Folded, fold
from tierflow_scoring.domain.history import joined, step_flows
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.domain.recent_money import MoneyRows, RecentMoney

_GROWTH: Final = 1_024


class Book:
    """Columns over customer slots. Slots beyond the last customer are blank and never become active.

    `carried` is the state at the end of the last closed day; `running` are the assets inside the open day;
    `published` holds, per scheme, the packed standing that was last told to others (0 before the first time).
    """

    def __init__(self, policies: PolicySet, recent_money_rows: int) -> None:
        self.policies = policies
        self.recent_money = RecentMoney(recent_money_rows)
        self.open_day: int | None = None
        self.ids: list[str] = []
        self.slot_of: dict[str, int] = {}
        self.carried = Carried.fresh(policies, 0)
        self.span = Span(ints([]), ints([]), ints([]))
        self.running = ints([])
        self.published: list[Ints] = [ints([]) for _ in policies.schemes]
        self._schedule: dict[int, dict[tuple[int, Flow], int]] = {}

    def slot(self, customer_id: str) -> int:
        """The customer's place; a new customer gets the next one."""
        slot = self.slot_of.get(customer_id)
        if slot is None:
            slot = self.slot_of[customer_id] = len(self.ids)
            self.ids.append(customer_id)
            if slot >= len(self.running):
                self._grow(max(_GROWTH, slot // 2))
        return slot

    def _grow(self, more: int) -> None:
        far, zero = np.full(more, FAR, np.int64), np.zeros(more, np.int64)
        self.carried = self.carried.extended(Carried.fresh(self.policies, more))
        span = self.span
        self.span = Span(*(np.concatenate([row, far]) for row in (span.start, span.settled_on, span.money_from)))
        self.running = np.concatenate([self.running, zero])
        self.published = [np.concatenate([row, zero]) for row in self.published]

    def schedule(self, slot: int, day: int, flow: Flow, change: int) -> None:
        """Notes a step that a fact or a valuation makes on the open day or later."""
        changes = self._schedule.setdefault(day, {})
        changes[slot, flow] = changes.get((slot, flow), 0) + change

    def open_on(self, day: int) -> None:
        """Makes `day` the open day; valuations of that day count in the running assets from now on."""
        for past in [at for at in self._schedule if at < day]:
            del self._schedule[past]
        self.open_day = day
        for (slot, flow), change in self._schedule.get(day, {}).items():
            if flow == Flow.HOLDING:
                self.running[slot] += change

    def set_start(self, slot: int, start: int) -> None:
        """Learns the first day of a relationship from facts; the first money counts if it is earlier."""
        start = min(start, int(self.span.money_from[slot]))
        self.span.start[slot] = start
        self.span.settled_on[slot] = FAR if start >= FAR else add_months(start, self.policies.provisional_months)

    def close_day(self, booked: FlowRows, ago_30: MoneyRows, ago_90: MoneyRows, ago_365: FlowRows) -> Folded:
        """Closes the open day with its bookings and the flows that leave the windows; the next day is open then."""
        day = self.open_day
        assert day is not None, "there is no open day"
        steps = self._schedule.pop(day, {})
        now = joined([booked, step_flows((slot, day, flow, change) for (slot, flow), change in steps.items())])
        self._meet_money(np.unique(now.slots[now.booked != 0]), day)
        folded = fold(self.policies, one_day(day, now, ago_30, ago_90, ago_365, self.span), self.carried)
        self.recent_money.keep(day, money_of(now, len(self.running)))
        self.carried = folded.carried
        self.running = self.carried.levels[Level.DEPOSIT] + self.carried.levels[Level.HOLDING]
        self.open_on(day + 1)
        return folded

    def _meet_money(self, slots: Ints, day: int) -> None:
        for slot in slots[self.span.money_from[slots] > day].tolist():
            self.span.money_from[slot] = day
            self.set_start(slot, int(self.span.start[slot]))

    def replace(self, slots: Ints, carried: Carried, span: Span) -> None:
        """Takes over refolded customers: their state at the end of the last closed day."""
        self.carried.put(slots, carried)
        self.span.start[slots] = span.start
        self.span.settled_on[slots] = span.settled_on
        self.span.money_from[slots] = span.money_from

    def is_provisional(self, slot: int) -> bool:
        """Whether a tier reached on the open day is provisional."""
        day = self.open_day
        assert day is not None, "there is no open day"
        verified = int(self.carried.levels[Level.VERIFIED, slot])
        verified += self._schedule.get(day, {}).get((slot, Flow.VERIFIED), 0)
        start = min(int(self.span.start[slot]), day)
        return verified <= 0 or day < add_months(start, self.policies.provisional_months)
