"""One customer as she stands now: a fold of her own days, a batch of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tierflow_scoring.domain.decision import Distance, missing_for_next, reasons_for, shortfall
from tierflow_scoring.domain.fold import Folded, SchemePath
from tierflow_scoring.domain.path import Segment, segment_at
from tierflow_scoring.domain.policy import PolicySet, PolicyVersion
from tierflow_scoring.domain.scores import AUTHORISED_ACCOUNTS, STANDING_ORDERS, Score, score
from tierflow_scoring.domain.standing import Standing
from tierflow_scoring.handlers.refold import refold
from tierflow_scoring.ports import PublishedRow, Repository
from tierflow_shared.contracts.outcomes import Reason


class UnknownCustomerError(LookupError):
    """Nothing has been heard about this customer."""


@dataclass(frozen=True, slots=True)
class StandingView:
    """A customer's standing in one scheme inside the open day.

    The tier is that of the last closed day, or a higher one that was reached since: inside the open day nobody is
    downgraded. `measure` and `reasons` count the open day's bookings so far.
    """

    version: PolicyVersion
    scheme: str
    standing: Standing
    effective_on: int
    measure: int
    reasons: Sequence[Reason]
    missing: Distance | None
    to_keep: Distance | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """Standings, scores and features through the open day. Without standings the relationship has not begun."""

    customer_id: str
    as_of: int | None
    standings: Sequence[StandingView]
    scores: Sequence[Score]
    features: Mapping[str, int]


def view_customer(repository: Repository, policies: PolicySet, currency: str, customer_id: str) -> CustomerView:
    """Everything that can be said about a customer now.

    Raises:
        UnknownCustomerError: nothing has been heard about her.
    """
    partition = repository.partition_of(customer_id)
    if partition is None:
        raise UnknownCustomerError(customer_id)
    open_day = repository.open_day(partition)
    if open_day is None:
        return CustomerView(customer_id, None, (), (), {})
    (record,) = repository.records(partition, [customer_id])
    (part,) = refold(policies, [record], open_day)
    told = {row.scheme: row for row in repository.published_about(customer_id)}
    standings = [
        standing
        for path in part.folded.paths
        if (standing := _standing(part.folded, path, told.get(path.scheme.name), currency)) is not None
    ]
    features = {
        **part.folded.features.at(-1, 0),
        STANDING_ORDERS: record.facts.open_orders,
        AUTHORISED_ACCOUNTS: record.facts.authorised_accounts,
    }
    book = list(repository.statistics().values())
    scores = [score(dimension, features, book) for dimension in policies.dimensions]
    return CustomerView(customer_id, open_day, standings, scores if standings else (), features)


def _standing(folded: Folded, path: SchemePath, told: PublishedRow | None, currency: str) -> StandingView | None:
    now = segment_at(folded, path, -1, 0, currency)
    if now is None:
        return None
    closed = segment_at(folded, path, -2, 0, currency) if len(folded.days) > 1 else None
    tier, since = _tier(now, closed, told)
    version, measure = now.version, now.measure
    pending = now.standing.pending if now.standing.tier == tier else closed.standing.pending if closed else None
    shown = Standing(tier, now.standing.provisional, pending, now.standing.version)
    return StandingView(
        version=version,
        scheme=path.scheme.name,
        standing=shown,
        effective_on=since,
        measure=measure,
        reasons=reasons_for(version, shown, measure, dict(now.features), currency),
        missing=missing_for_next(version, shown, measure, currency),
        to_keep=shortfall(version, shown, measure, currency) if pending else None,
    )


def _tier(now: Segment, closed: Segment | None, told: PublishedRow | None) -> tuple[int, int]:
    """The tier inside the open day, and since when: the last closed day's, or a higher one reached since."""
    if closed is None:
        return now.standing.tier, now.tier_since
    reached = now.standing.tier if now.version.measure.is_immediate else 0
    names = now.scheme.tier_names
    if told is not None and told.effective_on == now.valid_from and told.standing.tier in names:
        reached = max(reached, names.index(told.standing.tier))
    if reached > closed.standing.tier:
        return reached, now.valid_from
    return closed.standing.tier, closed.tier_since
