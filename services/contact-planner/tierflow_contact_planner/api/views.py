"""From the domain to what is shown over HTTP."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from tierflow_contact_planner.api import models
from tierflow_contact_planner.domain.contacts import Contact, Outcome
from tierflow_contact_planner.domain.coverage import Coverage
from tierflow_contact_planner.domain.due import DueContact
from tierflow_contact_planner.domain.policy import Policy, Text
from tierflow_contact_planner.domain.reasons import Reason
from tierflow_contact_planner.domain.slots import Load
from tierflow_contact_planner.domain.talking import label_of, talking_point, talking_points
from tierflow_contact_planner.handlers.planning import Committed, ShownPlan


class Views:
    """Shows things in the words of one policy, with products by their names."""

    def __init__(self, policy: Policy, products: Mapping[str, Text]) -> None:
        self._policy, self._products = policy, products

    def contact(self, one: Contact) -> models.ContactView:
        return models.ContactView(
            contact_id=one.contact_id,
            rm_id=one.rm_id,
            customer_id=one.customer_id,
            planned_on=one.planned_on,
            starts_at=one.starts_at,
            minutes=one.minutes,
            due_on=one.due_on,
            status=one.status,
            purpose=one.purpose,
            channel=one.channel,
            tier=one.tier,
            tier_label=self.tier(one.tier),
            familiar=one.is_familiar,
            personas=list(one.personas),
            reasons=[self.reason(reason) for reason in one.reasons],
            talking_points=self._points(one),
            result=None if one.result is None else _result(one.result),
        )

    def due(self, one: DueContact) -> models.DueView:
        return models.DueView(
            customer_id=one.customer_id,
            due_on=one.due_on,
            not_before=one.not_before,
            status="blocked-by-consent" if one.is_blocked else "open",
            purpose=one.purpose,
            channel=one.channel,
            tier=one.tier,
            tier_label=self.tier(one.tier),
            familiar=one.is_familiar,
            personas=list(one.personas),
            reasons=[self.reason(reason) for reason in one.reasons],
            suppressed=[models.SuppressedView(kind=s.reason.kind, rule=s.rule) for s in one.suppressed],
            talking_points=self._points(one),
        )

    def reason(self, reason: Reason) -> models.ReasonView:
        return models.ReasonView(
            kind=reason.kind,
            reason_class=reason.klass,
            cause=reason.cause,
            due_on=reason.due_on,
            purpose=reason.purpose,
            mandatory=reason.is_mandatory,
            label=text(label_of(reason.kind, self._policy)),
            talking_point=text(talking_point(reason, self._policy, self._products)),
        )

    def tier(self, tier: str) -> models.TextView:
        """The tier's name; `tier` is `scheme/tier`, or "" without one."""
        scheme, _, name = tier.partition("/")
        return text((self._policy.service_of(scheme, name) or self._policy.untiered).label)

    def plan(self, shown: ShownPlan) -> models.PlanView:
        plan, hours = shown.stored.plan, self._policy.hours_of(shown.manager.region)
        of_day = {day: list(members) for day, members in groupby(shown.contacts, key=lambda one: one.planned_on)}
        days = sorted({*plan.days, *of_day})
        return models.PlanView(
            rm_id=plan.rm_id,
            first=plan.period.first,
            last=plan.period.last,
            status="committed" if shown.is_committed else "draft",
            policy=shown.stored.policy,
            load=_load(plan.load),
            hours=models.HoursView(zone=hours.zone, opens=hours.opens, closes=hours.closes),
            contacts=len(shown.contacts),
            days=[
                models.DayView(
                    day=day,
                    familiar=sum(one.is_familiar for one in of_day.get(day, ())),
                    unfamiliar=sum(not one.is_familiar for one in of_day.get(day, ())),
                    attempts=self._attempts(of_day.get(day, ())),
                    contacts=[self.contact(one) for one in of_day.get(day, ())],
                )
                for day in days
            ],
            overflow_total=shown.stored.overflow_total,
            overflow=[models.OverflowView(rule=left.rule, contact=self.due(left.due)) for left in plan.overflow],
            blocked_total=shown.stored.blocked_total,
            blocked=[self.due(one) for one in plan.blocked],
        )

    def coverage(self, coverage: Coverage) -> list[models.TierCoverageView]:
        return [
            models.TierCoverageView(
                tier=one.tier,
                label=self.tier(one.tier),
                customers=one.customers,
                with_cadence=one.with_cadence,
                within=one.within,
                percent=percent(one.within, one.with_cadence),
            )
            for one in coverage.tiers
        ]

    def _points(self, one: Contact | DueContact) -> list[models.TextView]:
        points = talking_points(one.reasons, one.personas, one.style, self._policy, self._products)
        return [text(point) for point in points]

    def _attempts(self, contacts: Iterable[Contact]) -> int:
        """Calls it takes to reach everyone planned by phone, at the policy's reach rate, rounded up."""
        calls = sum(one.channel == "phone" for one in contacts)
        return -(-calls * 100 // self._policy.contact.reach_percent)


def text(one: Text) -> models.TextView:
    return models.TextView(en=one.en, zh=one.zh)


def percent(part: int, whole: int) -> int | None:
    """Whole percent, rounded down; None of nothing."""
    return part * 100 // whole if whole else None


def plans(done: Committed, first: models.PlanRequest) -> models.PlansView:
    """What planning did, manager by manager."""
    return models.PlansView(
        first=first.first,
        last=first.last,
        policy=done.stored[0].policy if done.stored else "",
        contacts=done.contacts,
        published=len(done.said),
        withdrawn=done.withdrawn,
        managers=[
            models.PlannedView(
                rm_id=stored.plan.rm_id,
                contacts=stored.contacts,
                overflow=stored.overflow_total,
                blocked=stored.blocked_total,
                load_percent=stored.plan.load.percent,
            )
            for stored in done.stored
        ],
    )


def product_ids(reasons: Iterable[Sequence[Reason]]) -> frozenset[str]:
    """The products that these reasons name."""
    return frozenset(value for some in reasons for r in some for name, value in r.words if name == "product")


def _load(load: Load) -> models.LoadView:
    return models.LoadView(
        customers=load.customers,
        needed_minutes=load.needed_minutes,
        available_minutes=load.available_minutes,
        percent=load.percent,
        over_capacity=load.is_over,
    )


def _result(result: Outcome) -> models.ResultView:
    return models.ResultView(
        outcome=result.outcome,
        channel=result.channel,
        occurred_at=result.occurred_at,
        recorded_by=result.recorded_by,
        satisfaction=result.satisfaction,
        next_step_on=result.next_step_on,
        noted=result.note is not None,
    )
