"""May this customer be contacted on a channel for a purpose? Consent and do-not-disturb beat every other rule."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import get_args

from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.policy import Policy
from tierflow_contact_planner.domain.statements import valid_on
from tierflow_shared.contracts.primitives import Channel, Purpose

CHANNELS: tuple[Channel, ...] = get_args(Channel)


def is_consented(facts: CustomerFacts, channel: Channel, purpose: Purpose, day: date, policy: Policy) -> bool:
    """The newest statement in force decides; consent ends with its validity; without a word the policy's default."""
    said = valid_on(facts.consents.get(f"{channel}/{purpose}", ()), day)
    if said is None:
        return channel in policy.contact.consented_by_default.get(purpose, ())
    return said.granted and (said.valid_until is None or day <= said.valid_until)


def channels_for(
    facts: CustomerFacts, purpose: Purpose, is_mandatory: bool, day: date, policy: Policy
) -> frozenset[Channel]:
    """Channels that may carry a reason. A duty that no consented channel can carry goes by the mandatory ones."""
    allowed = frozenset(channel for channel in CHANNELS if is_consented(facts, channel, purpose, day, policy))
    return frozenset(policy.contact.mandatory_channels) if is_mandatory and not allowed else allowed


def undisturbed_until(facts: CustomerFacts, day: date) -> date | None:
    """The last day of do-not-disturb as stated by `day`, on whatever channel it was asked for; None without one."""
    stated = (valid_on(statements, day) for statements in facts.consents.values())
    ends = [said.do_not_disturb_until for said in stated if said is not None and said.do_not_disturb_until]
    return max(ends, default=None)


def earliest_contact_on(facts: CustomerFacts, day: date, policy: Policy) -> date:
    """The first day, not before `day`, that do-not-disturb and the minimum gap leave open."""
    history, rules = facts.history, policy.contact
    days = [day]
    if (quiet := undisturbed_until(facts, day)) is not None:
        days.append(quiet + timedelta(days=1))
    if history.last_reached_on is not None:
        days.append(history.last_reached_on + timedelta(days=rules.minimum_gap_days))
    if history.last_attempt_on is not None:
        days.append(history.last_attempt_on + timedelta(days=rules.retry_after_days))
    return max(days)


def best_channel(allowed: Iterable[Channel], preferred: Channel | None, order: tuple[Channel, ...]) -> Channel | None:
    """The customer's preferred channel where allowed, else the first allowed one in the order of the tier."""
    open_channels = frozenset(allowed)
    if preferred is not None and preferred in open_channels:
        return preferred
    return next((channel for channel in order if channel in open_channels), None)
