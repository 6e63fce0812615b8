"""The one contact a customer should have: all reasons merged, purpose and channel chosen, hard rules kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from tierflow_contact_planner.domain import consent, standing
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.reasons import Reason, reasons_on
from tierflow_shared.contracts.bank import Style
from tierflow_shared.contracts.primitives import Channel, Purpose

Rule = Literal["consent", "open-complaint", "due-diligence", "declined-recently"]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A reason that a hard rule keeps out of the contact."""

    reason: Reason
    rule: Rule


@dataclass(frozen=True, slots=True)
class DueContact:
    """What is due for one customer. Without a channel it is blocked by consent: listed, never carried out."""

    customer_id: str
    due_on: date
    not_before: date
    purpose: Purpose
    channel: Channel | None
    reasons: tuple[Reason, ...]
    suppressed: tuple[Suppressed, ...]
    tier: str
    tier_rank: int
    minutes: int
    personas: tuple[str, ...]
    style: Style | None
    is_familiar: bool

    @property
    def is_blocked(self) -> bool:
        """True when no consented channel can carry any of its reasons."""
        return self.channel is None

    @property
    def is_mandatory(self) -> bool:
        """True when a legal duty or an open complaint is among its reasons."""
        return any(reason.is_mandatory for reason in self.reasons)


def due_contact(facts: CustomerFacts, day: date, until: date, policy: Policy) -> DueContact | None:
    """The contact that is due until a day (included), on what is known on `day`; None when nothing is due.

    Depends on the facts, the days and the policy alone. Pitches never ride on a contact whose consent is for
    service or care: a reason whose purpose the chosen channel may not carry is suppressed.
    """
    known = reasons_on(facts, day, policy)
    if not known or known[0].due_on > until:
        return None
    near = [r for r in known if r.due_on <= until + timedelta(days=policy.contact.merge_ahead_days)]
    open_reasons, suppressed = _without_unfit_pitches(facts, near, day, policy)
    if not any(reason.due_on <= until for reason in open_reasons):
        return None
    return _merge(facts, open_reasons, suppressed, day, until, policy)


def _without_unfit_pitches(
    facts: CustomerFacts, reasons: Sequence[Reason], day: date, policy: Policy
) -> tuple[list[Reason], list[Suppressed]]:
    rule = _no_pitch_rule(facts, day, policy)
    kept, suppressed = [], []
    for reason in reasons:
        if reason.purpose == "sale" and rule is not None:
            suppressed.append(Suppressed(reason, rule))
        else:
            kept.append(reason)
    return kept, suppressed


def _no_pitch_rule(facts: CustomerFacts, day: date, policy: Policy) -> Rule | None:
    history, kyc = facts.history, standing.kyc_on(facts, day)
    if history.complaint_since is not None:
        return "open-complaint"
    is_verified = kyc is not None and kyc.status == "verified" and (kyc.valid_until is None or day <= kyc.valid_until)
    if not is_verified:
        return "due-diligence"
    declined_on = history.declined_sale_on
    if declined_on is not None and day <= declined_on + timedelta(days=policy.contact.sale_rest_days):
        return "declined-recently"
    return None


def _merge(
    facts: CustomerFacts,
    reasons: Sequence[Reason],
    unfit: Sequence[Suppressed],
    day: date,
    until: date,
    policy: Policy,
) -> DueContact:
    tier, service = standing.served_tier(facts, day, policy)
    profile = facts.profile
    preferred = profile.preferred_channel if profile else None
    due = [reason for reason in reasons if reason.due_on <= until]
    purpose, channel = _purpose_and_channel(facts, due, preferred, service.channels, day, policy)
    carried = [r for r in reasons if channel in _channels(facts, r, day, policy)] if channel else due
    silenced = [Suppressed(r, "consent") for r in reasons if r not in carried]
    return DueContact(
        customer_id=facts.customer_id,
        due_on=min(reason.due_on for reason in carried),
        not_before=consent.earliest_contact_on(facts, day, policy),
        purpose=purpose,
        channel=channel,
        reasons=tuple(carried),
        suppressed=(*unfit, *silenced),
        tier=tier,
        tier_rank=service.rank,
        minutes=service.minutes,
        personas=tuple(persona.name for persona in standing.personas_of(facts, day, policy)),
        style=profile.style if profile else None,
        is_familiar=standing.is_familiar(facts),
    )


def _purpose_and_channel(
    facts: CustomerFacts,
    reasons: Sequence[Reason],
    preferred: Channel | None,
    order: tuple[Channel, ...],
    day: date,
    policy: Policy,
) -> tuple[Purpose, Channel | None]:
    """The first purpose in the policy's order that some channel may carry; legal duties come first of all."""
    ranked = sorted(
        reasons, key=lambda r: (not r.is_mandatory, policy.contact.purpose_order.index(r.purpose), r.due_on)
    )
    for reason in ranked:
        channel = consent.best_channel(_channels(facts, reason, day, policy), preferred, order)
        if channel is not None:
            return reason.purpose, channel
    return ranked[0].purpose, None


def _channels(facts: CustomerFacts, reason: Reason, day: date, policy: Policy) -> frozenset[Channel]:
    return consent.channels_for(facts, reason.purpose, reason.is_mandatory, day, policy)


def cadence_alone(due: DueContact, facts: CustomerFacts, day: date, policy: Policy) -> DueContact | None:
    """The same customer's contact for its cadence only; None where the cadence is no reason or cannot be carried."""
    regular = next((reason for reason in due.reasons if reason.klass == "cadence"), None)
    if regular is None:
        return None
    _, service = standing.served_tier(facts, day, policy)
    preferred = facts.profile.preferred_channel if facts.profile else None
    channel = consent.best_channel(_channels(facts, regular, day, policy), preferred, service.channels)
    if channel is None:
        return None
    return replace(
        due, due_on=regular.due_on, purpose=regular.purpose, channel=channel, reasons=(regular,), suppressed=()
    )
