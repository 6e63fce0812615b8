"""Moments of truth and cadence as reasons for a contact: found in the facts, dated, kept apart by what caused them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tierflow_contact_planner.domain import cadence, standing
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.policy import Moment, Policy, ReasonClass
from tierflow_shared.contracts.primitives import Purpose

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a contact is due. `cause` names what caused it, the same for every repetition of the news."""

    kind: str
    klass: ReasonClass
    cause: str
    due_on: date
    purpose: Purpose
    is_mandatory: bool
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Spotted:
    """A moment of truth as found: opened on a day, or (`ends_on`) leading to a day that lies ahead."""

    kind: str
    cause: str
    opened_on: date
    words: Words
    ends_on: date | None = None


Spotter = Callable[[CustomerFacts, date, Policy], Iterator[Spotted]]


def reasons_on(facts: CustomerFacts, day: date, policy: Policy) -> tuple[Reason, ...]:
    """All reasons that are known and not yet answered on `day`, earliest due day first."""
    found = (
        reason
        for spot in SPOTTERS
        for spotted in spot(facts, day, policy)
        if (reason := _reason(facts, spotted, day, policy.moments[spotted.kind])) is not None
    )
    return tuple(sorted(found, key=lambda reason: (reason.due_on, reason.kind, reason.cause)))


def _reason(facts: CustomerFacts, spotted: Spotted, day: date, moment: Moment) -> Reason | None:
    if spotted.opened_on > day or (moment.tiers and not standing.is_in_tiers(facts, day, moment.tiers)):
        return None
    if moment.valid_days is not None and day > spotted.opened_on + timedelta(days=moment.valid_days):
        return None
    due_on = spotted.opened_on + timedelta(days=moment.urgency_days)
    if spotted.ends_on is not None:
        due_on = max(spotted.opened_on, spotted.ends_on - timedelta(days=moment.lead_days))
    answered_on = facts.history.answered.get(spotted.cause)
    if answered_on is not None:
        if moment.repeat_days is None:
            return None
        due_on = max(due_on, answered_on + timedelta(days=moment.repeat_days))
    words = tuple(sorted(spotted.words.items()))
    return Reason(spotted.kind, moment.klass, spotted.cause, due_on, moment.purpose, moment.mandatory, words)


def _cadence(facts: CustomerFacts, day: date, policy: Policy) -> Iterator[Spotted]:
    rhythm, start = cadence.cadence_of(facts, day, policy), cadence.cadence_start(facts, day)
    if rhythm is not None and start is not None:
        words = {"every": str(rhythm.days), "source": rhythm.source}
        yield Spotted("cadence", "cadence", start, words, start + timedelta(days=rhythm.days))


def _tier_moves(facts: CustomerFacts, day: date, policy: Policy) -> Iterator[Spotted]:
    current = standing.tiers_on(facts, day)
    for key, move in facts.moves.items():
        now = current.get(move.scheme)
        is_served = policy.service_of(move.scheme, move.tier) is not None
        if is_served and now is not None and now.tier == move.tier:
            words = _tier_words(policy, move.scheme, {"tier": move.tier, "previous": move.previous_tier or move.tier})
            yield Spotted(f"tier-{move.direction}", f"tier-{move.direction}/{key}", move.effective_on, words)


def _pending(facts: CustomerFacts, day: date, policy: Policy) -> Iterator[Spotted]:
    current = standing.tiers_on(facts, day)
    for scheme, pending in sorted(facts.pending.items()):
        now = current.get(scheme)
        is_served = policy.service_of(scheme, pending.tier) is not None
        if is_served and pending.is_open and now is not None and now.tier == pending.tier:
            words = _tier_words(policy, scheme, {"tier": pending.tier, "pending": pending.pending_tier})
            words |= {"shortfall": pending.shortfall, "due_on": pending.due_on.isoformat()}
            cause = f"tier-pending/{scheme}/{pending.pending_tier}/{pending.since.isoformat()}"
            yield Spotted("tier-pending", cause, pending.since, words)


def _tier_words(policy: Policy, scheme: str, tiers: Words) -> dict[str, str]:
    words: dict[str, str] = {}
    for name, tier in tiers.items():
        service = policy.service_of(scheme, tier)
        words[name] = service.label.en if service else tier
        words[f"{name}_zh"] = service.label.zh if service else tier
    return words


def _kyc(facts: CustomerFacts, day: date, policy: Policy) -> Iterator[Spotted]:
    stated = standing.kyc_on(facts, day)
    if stated is None:
        since = standing.relationship_since(facts)
        if policy.kyc.unknown_is == "missing" and since is not None:
            yield Spotted("kyc-missing", "kyc/unknown", since, {"since": since.isoformat()})
        return
    until = stated.valid_until
    if stated.status != "verified":
        kind, since = f"kyc-{stated.status}", stated.effective_on
    elif until is not None and until < day:
        kind, since = "kyc-expired", until + timedelta(days=1)
    elif until is not None:
        opened_on = max(stated.effective_on, until - timedelta(days=policy.kyc.expiring_ahead_days))
        words = {"until": until.isoformat()}
        yield Spotted("kyc-expiring", f"kyc/expiring/{until.isoformat()}", opened_on, words, until)
        return
    else:
        return
    cause = f"kyc/{kind.removeprefix('kyc-')}/{since.isoformat()}"
    yield Spotted(kind, cause, since, {"since": since.isoformat()})


def _sales(facts: CustomerFacts, _day: date, _policy: Policy) -> Iterator[Spotted]:
    for sale_id, sale in sorted(facts.sales.items()):
        decision = sale.decision
        words = {"sale": sale_id, "product": sale.product_id}
        if sale.confirmed_on is not None:
            yield Spotted("sale-confirmed", f"sale/{sale_id}/confirmed", sale.confirmed_on, words)
        elif sale.rejected_reason == "blocked" or (decision is not None and decision.outcome == "blocked"):
            opened_on = decision.decided_on if decision is not None else sale.rejected_on
            assert opened_on is not None, "a sale is blocked by a decision or by a rejection"
            yield Spotted("sale-blocked", f"sale/{sale_id}/blocked", opened_on, words)
        elif sale.rejected_on is None and decision is not None and decision.outcome == "needs-evidence":
            words["needs"] = ", ".join(decision.needs)
            yield Spotted("sale-needs-evidence", f"sale/{sale_id}/needs-evidence", decision.decided_on, words)


def _holdings(facts: CustomerFacts, day: date, policy: Policy) -> Iterator[Spotted]:
    ahead = timedelta(days=policy.moments["holding-maturing"].ahead_days)
    for holding_id, holding in sorted(facts.holdings.items()):
        until = holding.matures_on
        if holding.is_held and until is not None and day <= until:
            words = {"product": holding.product_id, "until": until.isoformat()}
            cause = f"holding-maturing/{holding_id}/{until.isoformat()}"
            yield Spotted("holding-maturing", cause, until - ahead, words, until)


def _lifecycle(facts: CustomerFacts, _day: date, policy: Policy) -> Iterator[Spotted]:
    since, latest = standing.relationship_since(facts), facts.last_account_on
    if since is None:
        return
    yield Spotted("relationship-new", "relationship-new", since, {"since": since.isoformat()})
    if latest is not None and latest > since:
        words = {"since": latest.isoformat()}
        yield Spotted("account-opened", f"account-opened/{latest.isoformat()}", latest, words)
    if not standing.is_familiar(facts):
        opened_on = since + timedelta(days=policy.moments["under-served"].opens_after_days)
        yield Spotted("under-served", "under-served", opened_on, {"since": since.isoformat()})


def _contacts(facts: CustomerFacts, _day: date, policy: Policy) -> Iterator[Spotted]:
    history = facts.history
    if history.complaint_since is not None:
        since = history.complaint_since
        yield Spotted("complaint-open", f"complaint/{since.isoformat()}", since, {"since": since.isoformat()})
    if history.satisfaction is not None and history.satisfaction_on is not None:
        on, score = history.satisfaction_on, history.satisfaction
        if score <= policy.contact.low_satisfaction_to:
            words = {"since": on.isoformat(), "score": str(score)}
            yield Spotted("low-satisfaction", f"low-satisfaction/{on.isoformat()}", on, words)
    if (step := history.next_step) is not None:
        kind = "sale-follow-up" if step.is_sale else "next-step"
        cause, words = f"next-step/{step.due_on.isoformat()}", {"since": step.due_on.isoformat()}
        yield Spotted(kind, cause, step.agreed_on, words, step.due_on)


SPOTTERS: Final[tuple[Spotter, ...]] = (
    _cadence,
    _tier_moves,
    _pending,
    _kyc,
    _sales,
    _holdings,
    _lifecycle,
    _contacts,
)
"""Every moment of truth the planner knows. A new one: a function here and its texts and spans in the policy."""
