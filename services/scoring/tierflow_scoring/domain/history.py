"""From what is stored about customers to the rows and spans that a fold works on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.block import Block, FlowRows, Span, block_of
from tierflow_scoring.domain.days import FAR, add_months
from tierflow_scoring.domain.facts import Facts, account_steps, diligence_steps
from tierflow_scoring.domain.flows import FLOWS, Flow
from tierflow_scoring.domain.holdings import Valuation, holding_steps
from tierflow_scoring.domain.policy import PolicySet

AccountKey = tuple[str, str]  # customer id, account id


class BucketRow(NamedTuple):
    """A stored bucket as far as features need it."""

    customer_id: str
    account_id: str
    day: int
    net: int
    fees: int
    cost: int
    own: int
    spend: int
    inflow: int
    transactions: int


class HoldingRow(NamedTuple):
    """A stored valuation with the one before it: what changes on its day."""

    customer_id: str
    day: int
    before: int
    value: int


@dataclass(slots=True)
class CustomerRecord:
    """Everything that is stored about one customer. `valuations` by holding, in order of their days."""

    customer_id: str
    facts: Facts
    buckets: list[BucketRow] = field(default_factory=list)
    valuations: dict[str, list[Valuation]] = field(default_factory=dict)


def bucket_flows(rows: Sequence[BucketRow], slot_of: Mapping[str, int], lent: Collection[AccountKey]) -> FlowRows:
    """Flows of stored buckets; those of `lent` accounts move loans, not deposits."""
    if not rows:
        return FlowRows.of([])
    numbers = ints([row[2:] for row in rows])
    values = np.zeros((len(rows), FLOWS), np.int64)
    values[:, Flow.FEES], values[:, Flow.COST] = numbers[:, 2], numbers[:, 3]
    values[:, Flow.OWN], values[:, Flow.SPEND] = numbers[:, 4], numbers[:, 5]
    is_lent = np.array([row[:2] in lent for row in rows]) if lent else np.zeros(len(rows), np.bool_)
    values[:, Flow.DEPOSIT] = np.where(is_lent, 0, numbers[:, 1])
    values[:, Flow.LOAN] = np.where(is_lent, numbers[:, 1], 0)
    values[:, Flow.INFLOW] = np.where(is_lent, 0, numbers[:, 6])
    return FlowRows(
        ints([slot_of[row[0]] for row in rows]), numbers[:, 0], values, (numbers[:, 7] != 0).astype(np.int64)
    )


def holding_flows(rows: Iterable[HoldingRow], slot_of: Mapping[str, int]) -> FlowRows:
    """Flows of stored valuations."""
    result = []
    for customer_id, day, before, value in rows:
        flows = [0] * FLOWS
        flows[Flow.HOLDING] = value - before
        flows[Flow.PRODUCTS] = int(value > 0) - int(before > 0)
        result.append((slot_of[customer_id], day, tuple(flows), True))
    return FlowRows.of(result)


def fact_steps(facts: Facts) -> dict[tuple[int, Flow], int]:
    """The changes that a customer's facts make, by day and flow."""
    products = {(day, Flow.PRODUCTS): change for day, change in account_steps(facts).items() if change}
    verified = {(day, Flow.VERIFIED): change for day, change in diligence_steps(facts).items() if change}
    return {**products, **verified}


def step_flows(steps: Iterable[tuple[int, int, Flow, int]]) -> FlowRows:
    """Flows of single steps (slot, day, flow, change); a step of a holding is money."""
    result = []
    for slot, day, flow, change in steps:
        flows = [0] * FLOWS
        flows[flow] = change
        result.append((slot, day, tuple(flows), flow == Flow.HOLDING))
    return FlowRows.of(result)


def joined(parts: Sequence[FlowRows]) -> FlowRows:
    """All rows of all parts."""
    return FlowRows(
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.booked for part in parts]),
    )


def rows_of(records: Sequence[CustomerRecord]) -> FlowRows:
    """All flows of some customers; a customer's slot is its place in `records`."""
    slot_of = {record.customer_id: slot for slot, record in enumerate(records)}
    lent = {(record.customer_id, account) for record in records for account in record.facts.lent_accounts}
    holdings = (
        HoldingRow(record.customer_id, step.day, before, before + step.value)
        for record in records
        for valuations in record.valuations.values()
        for before, step in zip(
            [0, *(valuation.value for valuation in valuations)], holding_steps(valuations), strict=False
        )
    )
    steps = (
        (slot_of[record.customer_id], day, flow, change)
        for record in records
        for (day, flow), change in fact_steps(record.facts).items()
    )
    buckets = [row for record in records for row in record.buckets]
    return joined([bucket_flows(buckets, slot_of, lent), holding_flows(holdings, slot_of), step_flows(steps)])


def span_of(records: Sequence[CustomerRecord], rows: FlowRows, provisional_months: int) -> Span:
    """Where each customer stands in time, by facts and by first money."""
    money_from = np.full(len(records), FAR, np.int64)
    is_money = rows.booked != 0
    np.minimum.at(money_from, rows.slots[is_money], rows.days[is_money])
    start = np.minimum(ints([record.facts.start for record in records]), money_from)
    return Span(start, settled(start, provisional_months), money_from)


def settled(start: Ints, provisional_months: int) -> Ints:
    """The days on which tiers stop being provisional."""
    return ints([day if day >= FAR else add_months(day, provisional_months) for day in start.tolist()])


def history_block(
    records: Sequence[CustomerRecord], policies: PolicySet, end: int, extra_days: Sequence[int] = ()
) -> Block:
    """The block of some customers from their first day up to and including `end`; it has all `extra_days`."""
    rows = rows_of(records).through(end)
    days = [*policies.change_days, *extra_days]
    return block_of(rows, span_of(records, rows, policies.provisional_months), end, days)
