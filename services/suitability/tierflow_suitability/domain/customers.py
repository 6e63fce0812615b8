"""What the bank has told about a customer: registers in which the newest statement wins, in any order of arrival."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from tierflow_shared.contracts.bank import CustomerUpdated, HoldingUpdated, KycUpdated
from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_shared.money import decimal_text, minor_units
from tierflow_suitability.domain.assessments import Assessment, for_sale, newest
from tierflow_suitability.domain.calendar import whole_years
from tierflow_suitability.domain.cases import Capacity, CustomerFacts, CustomerKind, KycStatus

# Orders statements about one thing: the producer's time, then source and id.
Version = tuple[str, str, str]
_DEBTS: Final = frozenset({"loan", "card"})


class Profile(Struct, frozen=True):
    """The part of a profile that rules look at."""

    version: Version
    kind: CustomerKind
    capacity: Capacity
    vulnerable: bool
    yearly_income: PositiveMoney | None


class BirthDate(Struct, frozen=True):
    """Personal: lives in a table of its own, never in a log, event or decision."""

    version: Version
    day: date | None


class KycStatement(Struct, frozen=True):
    """A state of due diligence from a day on."""

    version: Version
    status: KycStatus
    effective_on: date
    valid_until: date | None


class Holding(Struct, frozen=True):
    """What a customer holds of one product; `asset` is false for what is owed."""

    version: Version
    value: PositiveMoney
    as_of: date
    asset: bool


class Customer(Struct, frozen=True):
    """All registers of one customer."""

    profile: Profile | None = None
    kyc: tuple[KycStatement, ...] = ()
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    birth_date: BirthDate | None = None


def with_profile(customer: Customer, version: Version, data: CustomerUpdated) -> Customer:
    """Takes a profile in; an older one than the known one changes nothing."""
    customer = _with_birth_date(customer, version, data)
    if customer.profile is not None and customer.profile.version >= version:
        return customer
    profile = Profile(version, data.kind, data.legal_capacity, data.vulnerable, data.yearly_income)
    return replace(customer, profile=profile)


def _with_birth_date(customer: Customer, version: Version, data: CustomerUpdated) -> Customer:
    """A profile without personal fields says nothing about the birth date: the newest that has them counts."""
    known = customer.birth_date
    if data.personal is None or (known is not None and known.version >= version):
        return customer
    return replace(customer, birth_date=BirthDate(version, data.personal.birth_date))


def without_person(customer: Customer, version: Version) -> Customer:
    """The customer once the person was erased: what counts as a record stays, the birth date goes."""
    return replace(customer, birth_date=BirthDate(version, None))


def with_kyc(customer: Customer, version: Version, data: KycUpdated) -> Customer:
    """Takes a statement in and drops those that a newer one has replaced for all their days."""
    statement = KycStatement(version, data.status, data.effective_on, data.valid_until)
    statements = {known.version: known for known in (*customer.kyc, statement)}
    ordered = sorted(statements.values(), key=lambda one: one.version)
    kept = tuple(
        one
        for index, one in enumerate(ordered)
        if not any(later.effective_on <= one.effective_on for later in ordered[index + 1 :])
    )
    return customer if kept == customer.kyc else replace(customer, kyc=kept)


def with_holding(customer: Customer, version: Version, data: HoldingUpdated) -> Customer:
    """Takes a valuation in; an older one than the known one of the same holding changes nothing."""
    known = customer.holdings.get(data.holding_id)
    if known is not None and known.version >= version:
        return customer
    holding = Holding(version, data.value, data.as_of, data.category not in _DEBTS)
    return replace(customer, holdings={**customer.holdings, data.holding_id: holding})


def facts_of(customer: Customer, assessments: Sequence[Assessment], at: datetime, on: date) -> CustomerFacts:
    """The customer as rules see it at a moment: a state of due diligence, an age, sums, the newest assessment."""
    profile, born = customer.profile, customer.birth_date
    kyc = _in_force(customer.kyc, on)
    return CustomerFacts(
        known=profile is not None,
        kind=profile.kind if profile else None,
        capacity=profile.capacity if profile else "full",
        vulnerable=profile.vulnerable if profile else False,
        age=whole_years(born.day, on) if born is not None and born.day is not None else None,
        yearly_income=profile.yearly_income if profile else None,
        kyc_status=kyc.status if kyc else None,
        kyc_valid_until=kyc.valid_until if kyc else None,
        holdings=_sums(customer.holdings.values(), on),
        assessment=for_sale(newest(assessments, at)),
    )


def _in_force(statements: Sequence[KycStatement], on: date) -> KycStatement | None:
    begun = [one for one in statements if one.effective_on <= on]
    return max(begun, key=lambda one: one.version, default=None)


def _sums(holdings: Iterable[Holding], on: date) -> tuple[PositiveMoney, ...]:
    sums: dict[str, int] = {}
    for holding in holdings:
        if holding.asset and holding.as_of <= on:
            currency = holding.value.currency
            sums[currency] = sums.get(currency, 0) + minor_units(holding.value.value, currency)
    return tuple(
        PositiveMoney(value=decimal_text(minor, currency), currency=currency)
        for currency, minor in sorted(sums.items())
    )
