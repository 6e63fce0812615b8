"""What to tell others when a standing differs from what they were told last."""

from dataclasses import replace
from typing import Literal

from tierflow_scoring.domain.days import date_of
from tierflow_scoring.domain.decision import shortfall
from tierflow_scoring.domain.path import Segment
from tierflow_scoring.domain.standing import Pending, Standing, unpack
from tierflow_shared.contracts.outcomes import Direction, TierChanged, TierPending


def messages(customer_id: str, before: int, now: Segment, currency: str) -> list[TierChanged | TierPending]:
    """The messages that bring a reader from the published standing `before` (packed, 0 for none) to `now`."""
    told = unpack(before)
    result: list[TierChanged | TierPending] = []
    if told is None or told.tier != now.standing.tier or told.provisional != now.standing.provisional:
        result.append(_changed(customer_id, told, now))
    pending = _pending(customer_id, told, now, currency)
    return [*result, pending] if pending else result


def _direction(told: Standing | None, now: Standing) -> Direction:
    if told is None:
        return "initial"
    if told.tier == now.tier:
        return "status"
    return "up" if now.tier > told.tier else "down"


def _changed(customer_id: str, told: Standing | None, now: Segment) -> TierChanged:
    direction = _direction(told, now.standing)
    tiers = now.version.tiers
    return TierChanged(
        customer_id=customer_id,
        scheme=now.scheme.name,
        tier=now.tier,
        previous_tier=tiers[told.tier].name if told else None,
        direction=direction,
        provisional=now.standing.provisional,
        effective_on=date_of(now.valid_from if direction == "status" else now.tier_since),
        policy_version=now.version.version,
        reasons=now.reasons,
    )


def _pending(customer_id: str, told: Standing | None, now: Segment, currency: str) -> TierPending | None:
    """A pending downgrade that is new or has changed; or that it was cleared, unless it came true."""
    before, after = told.pending if told else None, now.standing.pending
    known_tier = told.tier if told else None
    if after is not None:
        unchanged = after == before and known_tier == now.standing.tier
        return None if unchanged else _message(customer_id, now, now.standing.tier, after, "open", currency)
    if before is None or known_tier is None or now.standing.tier < known_tier:
        return None
    return _message(customer_id, now, known_tier, before, "cleared", currency)


def _message(
    customer_id: str, now: Segment, tier: int, pending: Pending, state: Literal["open", "cleared"], currency: str
) -> TierPending:
    tiers = now.version.tiers
    at_risk = replace(now.standing, tier=tier)
    return TierPending(
        customer_id=customer_id,
        scheme=now.scheme.name,
        tier=tiers[tier].name,
        pending_tier=tiers[pending.tier].name,
        state=state,
        since=date_of(pending.since),
        due_on=date_of(pending.due_on),
        measure=now.version.measure.name,
        shortfall=shortfall(now.version, at_risk, now.measure, currency).words,
        policy_version=now.version.version,
    )
