"""What facts and valuations do to a partition, one at a time in log order."""

from bisect import bisect_left

from tierflow_scoring.domain.facts import Change, newer
from tierflow_scoring.domain.flows import Flow
from tierflow_scoring.domain.history import fact_steps
from tierflow_scoring.handlers.commands import FactUpdate, ValuationUpdate
from tierflow_scoring.handlers.state import PartitionState
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import NewValuation, StoredValuation
from tierflow_shared.stream.handlers import Outcome


def learn(state: PartitionState, work: Work, update: FactUpdate) -> Outcome:
    """Sets a register of a customer's facts and whatever follows from it."""
    slot = state.slot(update.customer_id)
    facts = state.facts[update.customer_id]
    steps, start, lent = fact_steps(facts), facts.start, facts.lent_accounts
    outcome = update.apply(facts)
    if outcome == "changed":
        state.unsaved.add(update.customer_id)
        after = fact_steps(facts)
        for day, flow in steps.keys() | after.keys():
            _step(state, slot, day, flow, after.get((day, flow), 0) - steps.get((day, flow), 0))
        if facts.start != start:
            _start(state, slot, start, facts.start)
        for account_id in lent ^ facts.lent_accounts:
            _reclassify(state, work, update, account_id, account_id in facts.lent_accounts)
    return _outcome(outcome)


def _outcome(change: Change) -> Outcome:
    return "duplicate" if change == "same" else "applied"


def _step(state: PartitionState, slot: int, day: int, flow: Flow, change: int) -> None:
    if not change and flow != Flow.HOLDING:
        return
    if state.is_closed(day):
        state.change_closed(slot, day)
    else:
        state.book.schedule(slot, day, flow, change)


def _start(state: PartitionState, slot: int, before: int, after: int) -> None:
    state.book.set_start(slot, after)
    if state.is_closed(min(before, after)):
        state.late.add(slot)


def _reclassify(state: PartitionState, work: Work, update: FactUpdate, account_id: str, is_lent: bool) -> None:
    """An account turns out to hold the bank's money, or the customer's: all its bookings change sides."""
    key = (update.customer_id, account_id)
    (state.lent.add if is_lent else state.lent.discard)(key)
    state.buckets.save(work.repository)
    balance = work.repository.account_net(state.partition, *key)
    slot = state.slot(update.customer_id)
    state.late.add(slot)
    state.book.recent_money.clear()
    if balance:
        state.moves.add(slot, -balance if is_lent else balance, update.record)


def value(state: PartitionState, update: ValuationUpdate) -> Outcome:
    """Sets what a holding is worth from a day on, until its next valuation."""
    slot = state.slot(update.customer_id)
    known = state.valuations.setdefault((update.customer_id, update.holding_id), [])
    place = bisect_left(known, update.as_of, key=lambda one: one.as_of)
    exact = known[place] if place < len(known) and known[place].as_of == update.as_of else None
    outcome = newer(update.stamp, exact.stamp if exact else None)
    if outcome != "changed":
        return _outcome(outcome)
    after = place + (exact is not None)
    old = exact.value if exact else known[place - 1].value if place else 0
    change, products = update.value - old, int(update.value > 0) - int(old > 0)
    following = known[after].as_of if after < len(known) else None
    for day, sign in ((update.as_of, 1), (following, -1)):
        if day is not None:
            _step(state, slot, day, Flow.HOLDING, sign * change)
            _step(state, slot, day, Flow.PRODUCTS, sign * products)
    _move(state, slot, update, change, following)
    known[place:after] = [StoredValuation(update.as_of, update.value, update.stamp)]
    row = _row(update)
    state.unsaved_valuations[row[:3]] = row
    return _outcome(outcome)


def _move(state: PartitionState, slot: int, update: ValuationUpdate, change: int, following: int | None) -> None:
    """The running assets change if this valuation is the one that holds on the open day."""
    day = state.book.open_day
    if day is not None and update.as_of <= day and (following is None or following > day) and change:
        state.moves.add(slot, change, update.record)


def _row(update: ValuationUpdate) -> NewValuation:
    return NewValuation(
        update.customer_id, update.holding_id, update.as_of, update.value, update.category, update.stamp
    )
