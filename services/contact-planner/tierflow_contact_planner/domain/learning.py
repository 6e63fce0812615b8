"""How an event changes what is known about a customer. Any order and any repetition gives the same facts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final, TypeVar

from tierflow_contact_planner.domain.facts import (
    ConsentStatement,
    CustomerFacts,
    Holding,
    KycStatement,
    PendingTier,
    Profile,
    Sale,
    SaleDecision,
    TierMove,
    TierStatement,
    Version,
)
from tierflow_contact_planner.domain.statements import with_statement
from tierflow_shared.contracts.bank import (
    AccountOpened,
    ConsentUpdated,
    CustomerUpdated,
    HoldingUpdated,
    KycUpdated,
)
from tierflow_shared.contracts.outcomes import SaleConfirmed, SaleDecided, SaleRejected, TierChanged, TierPending
from tierflow_shared.contracts.primitives import Data

MOVES_KEPT: Final = 24
V = TypeVar("V")


def learn(facts: CustomerFacts, data: Data, version: Version) -> CustomerFacts:
    """The facts after an event; the same facts where the event is older than what is known.

    Raises:
        KeyError: the type of `data` says nothing about a customer's contacts.
    """
    return LESSONS[type(data)](facts, data, version)


def _customer(facts: CustomerFacts, said: CustomerUpdated, version: Version) -> CustomerFacts:
    if facts.profile is not None and facts.profile.version >= version:
        return facts
    profile = Profile(
        version=version,
        relationship_since=said.relationship_since,
        occupation=said.occupation,
        origin=said.origin,
        rent_share_percent=said.rent_share_percent,
        style=said.style,
        rm_id=said.rm_id,
        preferred_channel=said.preferred_channel,
    )
    return replace(facts, profile=profile)


def _account(facts: CustomerFacts, said: AccountOpened, _version: Version) -> CustomerFacts:
    first = min(facts.first_account_on or said.opened_on, said.opened_on)
    last = max(facts.last_account_on or said.opened_on, said.opened_on)
    return replace(facts, first_account_on=first, last_account_on=last)


def _kyc(facts: CustomerFacts, said: KycUpdated, version: Version) -> CustomerFacts:
    statement = KycStatement(version, said.effective_on, said.status, said.valid_until)
    return replace(facts, kyc=with_statement(facts.kyc, statement))


def _consent(facts: CustomerFacts, said: ConsentUpdated, version: Version) -> CustomerFacts:
    key = f"{said.channel}/{said.purpose}"
    statement = ConsentStatement(version, said.effective_on, said.granted, said.valid_until, said.do_not_disturb_until)
    return replace(facts, consents=_put(facts.consents, key, with_statement(facts.consents.get(key, ()), statement)))


def _holding(facts: CustomerFacts, said: HoldingUpdated, version: Version) -> CustomerFacts:
    known = facts.holdings.get(said.holding_id)
    if known is not None and (known.as_of, known.version) >= (said.as_of, version):
        return facts
    is_held = said.value.value.strip("0.") != ""
    holding = Holding(version, said.as_of, said.product_id, said.category, is_held, said.matures_on)
    return replace(facts, holdings=_put(facts.holdings, said.holding_id, holding))


def _tier(facts: CustomerFacts, said: TierChanged, version: Version) -> CustomerFacts:
    statement = TierStatement(version, said.effective_on, said.tier, said.provisional)
    tiers = _put(facts.tiers, said.scheme, with_statement(facts.tiers.get(said.scheme, ()), statement))
    return replace(facts, tiers=tiers, moves=_moves(facts.moves, said, version))


def _moves(known: Mapping[str, TierMove], said: TierChanged, version: Version) -> Mapping[str, TierMove]:
    if said.direction not in ("up", "down"):
        return known
    key = f"{said.scheme}/{said.tier}/{said.effective_on.isoformat()}/{said.direction}"
    before = known.get(key)
    if before is not None and before.version >= version:
        return known
    move = TierMove(version, said.scheme, said.tier, said.previous_tier, said.direction, said.effective_on)
    newest = sorted({**known, key: move}.items(), key=lambda item: (item[1].effective_on, item[0]))
    return dict(newest[-MOVES_KEPT:])


def _pending(facts: CustomerFacts, said: TierPending, version: Version) -> CustomerFacts:
    pending = PendingTier(
        version, said.tier, said.pending_tier, said.state == "open", said.since, said.due_on, said.shortfall
    )
    known = facts.pending.get(said.scheme)
    if known is not None and _pending_order(known) >= _pending_order(pending):
        return facts
    return replace(facts, pending=_put(facts.pending, said.scheme, pending))


def _pending_order(pending: PendingTier) -> tuple[str, date, bool, Version]:
    """One commit may say open and cleared at the same time: the later episode and the later word win."""
    return (pending.version[0], pending.since, not pending.is_open, pending.version)


def _decided(facts: CustomerFacts, said: SaleDecided, version: Version) -> CustomerFacts:
    needs = tuple(sorted({need for finding in said.findings for need in finding.needs}))
    decision = SaleDecision(version, said.outcome, said.decided_on, needs)
    sale = facts.sales.get(said.sale_id, Sale(said.product_id))
    if sale.decision is not None and sale.decision.version >= version:
        return facts
    return replace(facts, sales=_put(facts.sales, said.sale_id, replace(sale, decision=decision)))


def _confirmed(facts: CustomerFacts, said: SaleConfirmed, _version: Version) -> CustomerFacts:
    sale = facts.sales.get(said.sale_id, Sale(said.product_id))
    on = said.confirmed_at.date()
    changed = replace(sale, confirmed_on=min(sale.confirmed_on or on, on))
    return replace(facts, sales=_put(facts.sales, said.sale_id, changed))


def _rejected(facts: CustomerFacts, said: SaleRejected, _version: Version) -> CustomerFacts:
    sale = facts.sales.get(said.sale_id, Sale(said.product_id))
    first = min((sale.rejected_on or date.max, sale.rejected_reason or "~"), (said.rejected_at.date(), said.reason))
    changed = replace(sale, rejected_on=first[0], rejected_reason=first[1])
    return replace(facts, sales=_put(facts.sales, said.sale_id, changed))


def _put(mapping: Mapping[str, V], key: str, value: V) -> Mapping[str, V]:
    return {**mapping, key: value}


LESSONS: Final[Mapping[type[Data], Callable[[CustomerFacts, Any, Version], CustomerFacts]]] = {
    CustomerUpdated: _customer,
    AccountOpened: _account,
    KycUpdated: _kyc,
    ConsentUpdated: _consent,
    HoldingUpdated: _holding,
    TierChanged: _tier,
    TierPending: _pending,
    SaleDecided: _decided,
    SaleConfirmed: _confirmed,
    SaleRejected: _rejected,
}
