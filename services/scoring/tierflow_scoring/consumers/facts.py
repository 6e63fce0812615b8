"""Reads what the bank says about customers, accounts, due diligence, orders and holdings."""

from datetime import date
from typing import Final

from tierflow_scoring.consumers.transactions import TransactionReader
from tierflow_scoring.domain.days import LAST, day_of
from tierflow_scoring.domain.facts import Change, Diligence, Facts, Order, Party, Profile, Stamp
from tierflow_scoring.handlers.commands import Command, DateAdvanced, FactUpdate, ValuationUpdate
from tierflow_shared.bus.port import Record
from tierflow_shared.contracts import bank
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.stream.events import Event, Refused, decode

FACT_TYPES: Final = frozenset(
    {
        "bank.customer.updated.v1",
        "bank.account.opened.v1",
        "bank.account.closed.v1",
        "bank.account-party.updated.v1",
        "bank.standing-order.updated.v1",
        "bank.kyc.updated.v1",
        "bank.holding.updated.v1",
        "tierflow.business-date.advanced.v1",
    }
)


class FactReader:
    """Turns records into commands about facts. `transactions` converts money and knows which days can be meant."""

    def __init__(self, transactions: TransactionReader) -> None:
        self._transactions = transactions

    def read(self, record: Record) -> Command:
        """The command of a record.

        Raises:
            RefusedError: it cannot be understood.
        """
        event = decode(record)
        data, by = event.data, event.version
        if isinstance(data, BusinessDateAdvanced):
            return DateAdvanced(record, self._transactions.possible_day(record, data.business_date))
        if getattr(data, "customer_id", None) != record.key:
            raise Refused("wrong-key", "the key of the message is not its customer")
        if isinstance(data, bank.HoldingUpdated):
            return self._valuation(record, data, by)
        if isinstance(data, bank.CustomerUpdated):
            return self._profile(event, data, by)
        return _dated(event, by)

    def _profile(self, event: Event, data: bank.CustomerUpdated, by: Stamp) -> FactUpdate:
        income = data.yearly_income
        amount = None
        if income is not None:
            amount = self._transactions.base_minor(income.value, income.currency, day_of(event.time.date()))
        since = None if data.relationship_since is None else _day(data.relationship_since)
        profile = Profile(data.kind, since, amount, by)
        return FactUpdate(event.record, data.customer_id, lambda facts: facts.set_profile(profile))

    def _valuation(self, record: Record, data: bank.HoldingUpdated, by: Stamp) -> ValuationUpdate:
        as_of = self._transactions.possible_day(record, data.as_of)
        value = self._transactions.base_minor(data.value.value, data.value.currency, as_of)
        return ValuationUpdate(record, data.customer_id, data.holding_id, as_of, value, data.category, by)


def _day(moment: date) -> int:
    day = day_of(moment)
    if day > LAST:
        raise Refused("date-out-of-range", f"{moment.isoformat()} cannot be meant")
    return day


def _dated(event: Event, by: Stamp) -> FactUpdate:
    match event.data:
        case bank.AccountOpened():
            return _opened(event.record, event.data, by)
        case bank.AccountClosed():
            return _closed(event.record, event.data, by)
        case bank.KycUpdated():
            return _diligence(event.record, event.data, by)
        case bank.StandingOrderUpdated():
            return _order(event.record, event.data, by)
        case bank.AccountPartyUpdated():
            return _party(event.record, event.data, by)
        case _:
            raise Refused("unknown-type", event.type)


def _opened(record: Record, data: bank.AccountOpened, by: Stamp) -> FactUpdate:
    opened_on = _day(data.opened_on)

    def apply(facts: Facts) -> Change:
        return facts.open_account(data.account_id, data.kind, opened_on, by)

    return FactUpdate(record, data.customer_id, apply)


def _closed(record: Record, data: bank.AccountClosed, by: Stamp) -> FactUpdate:
    closed_on = _day(data.closed_on)
    return FactUpdate(record, data.customer_id, lambda facts: facts.close_account(data.account_id, closed_on, by))


def _diligence(record: Record, data: bank.KycUpdated, by: Stamp) -> FactUpdate:
    effective_on = _day(data.effective_on)
    until = None if data.valid_until is None else min(day_of(data.valid_until), LAST)
    state = Diligence(data.status, until, by)
    return FactUpdate(record, data.customer_id, lambda facts: facts.set_diligence(effective_on, state))


def _order(record: Record, data: bank.StandingOrderUpdated, by: Stamp) -> FactUpdate:
    order = Order(data.active, by)
    return FactUpdate(record, data.customer_id, lambda facts: facts.set_order(data.order_id, order))


def _party(record: Record, data: bank.AccountPartyUpdated, by: Stamp) -> FactUpdate:
    party = Party(data.account_id, data.role, by)
    return FactUpdate(record, data.customer_id, lambda facts: facts.set_party(data.party_id, party))
