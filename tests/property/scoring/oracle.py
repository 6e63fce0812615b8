"""The slow, obvious oracle: one customer at a time, one day at a time, plain numbers, no windows kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.property.scoring.bank import Said
from tierflow_scoring.domain.days import add_months, day_of
from tierflow_scoring.domain.policy import Part, PolicySet, PolicyVersion, Scheme
from tierflow_shared.contracts import bank
from tierflow_shared.money import minor_units

OWN = ("branch", "atm", "card", "online", "mobile", "phone")
Point = tuple[int, str, bool, tuple[str, int, int] | None, str]  # day, tier, provisional, pending, version


@dataclass
class Person:
    """What the events say about one customer."""

    bookings: list[bank.TransactionPosted] = field(default_factory=list)
    reversals: dict[tuple[str, str], bank.TransactionReversed] = field(default_factory=dict)
    opened: dict[str, bank.AccountOpened] = field(default_factory=dict)
    closed: dict[str, bank.AccountClosed] = field(default_factory=dict)
    kyc: dict[int, bank.KycUpdated] = field(default_factory=dict)
    values: dict[str, dict[int, int]] = field(default_factory=dict)
    profile: bank.CustomerUpdated | None = None


@dataclass
class Answer:
    """Features at the end, and per scheme the days on which the standing became another one."""

    features: dict[str, int]
    paths: dict[str, list[Point]]


def people(said: Iterable[Said]) -> dict[str, Person]:
    """Registers by the newest event; bookings as a set."""
    result: dict[str, Person] = {}
    seen = set()
    for event in sorted(said, key=lambda one: (one.time, one.id)):
        person = result.setdefault(event.customer_id, Person())
        if event.id in seen:
            continue
        seen.add(event.id)
        match event.data:
            case bank.TransactionPosted() as data:
                person.bookings.append(data)
            case bank.TransactionReversed() as data:
                person.reversals[data.account_id, data.transaction_id] = data
            case bank.AccountOpened() as data:
                person.opened[data.account_id] = data
            case bank.AccountClosed() as data:
                person.closed[data.account_id] = data
            case bank.KycUpdated() as data:
                person.kyc[day_of(data.effective_on)] = data
            case bank.HoldingUpdated() as data:
                person.values.setdefault(data.holding_id, {})[day_of(data.as_of)] = cents(data)
            case bank.CustomerUpdated() as data:
                person.profile = data
    return result


def cents(data: bank.TransactionPosted | bank.TransactionReversed | bank.HoldingUpdated) -> int:
    """Minor units of the amount; the oracle's bank has one currency."""
    amount = data.value if isinstance(data, bank.HoldingUpdated) else data.amount
    return minor_units(amount.value, amount.currency)


class Life:
    """One customer's days."""

    def __init__(self, person: Person, policies: PolicySet) -> None:
        self.person, self.policies = person, policies
        lines = [(row, 1) for row in person.bookings] + [(row, -1) for row in person.reversals.values()]
        self.by_day: dict[int, list[tuple[bank.TransactionPosted | bank.TransactionReversed, int]]] = {}
        for row, times in lines:
            self.by_day.setdefault(day_of(row.booking_date), []).append((row, times))
        self.money_from = self._money_from()
        starts = [day_of(row.opened_on) for row in person.opened.values()]
        if person.profile and person.profile.relationship_since:
            starts.append(day_of(person.profile.relationship_since))
        if self.money_from is not None:
            starts.append(self.money_from)
        self.start = min(starts, default=None)

    def _money_from(self) -> int | None:
        days = [day for values in self.person.values.values() for day in values]
        for day, rows in self.by_day.items():
            per_account: dict[str, int] = {}
            for row, times in rows:
                per_account[row.account_id] = per_account.get(row.account_id, 0) + times
            if any(per_account.values()):
                days.append(day)
        return min(days, default=None)

    def lent(self, account_id: str) -> bool:
        opened = self.person.opened.get(account_id)
        return opened is not None and opened.kind in ("loan", "card")

    def balance(self, day: int, lent: bool) -> int:
        total = 0
        for booked, rows in self.by_day.items():
            if booked <= day:
                for row, times in rows:
                    if self.lent(row.account_id) == lent:
                        total += times * cents(row) * (1 if row.direction == "credit" else -1)
        return total

    def held(self, day: int) -> list[int]:
        """What each holding is worth on a day."""
        return [
            values[max(on for on in values if on <= day)]
            for values in self.person.values.values()
            if any(on <= day for on in values)
        ]

    @cache  # noqa: B019 - lives as long as the test
    def aum(self, day: int) -> int:
        return self.balance(day, lent=False) + sum(self.held(day))

    @cache  # noqa: B019 - lives as long as the test
    def earned(self, day: int) -> int:
        """What a day earns for the bank."""
        tariff = self.policies.tariffs.on(day)
        money = max(0, self.balance(day, lent=False)) * tariff.deposit_spread_bp // 3_650_000
        money += max(0, -self.balance(day, lent=True)) * tariff.loan_spread_bp // 3_650_000
        for row, times in self.by_day.get(day, []):
            if row.purpose in ("fee", "penalty-interest"):
                money += times * cents(row) * (1 if row.direction == "debit" else -1)
        return money

    def products(self, day: int) -> int:
        count = sum(value > 0 for value in self.held(day))
        for account_id, opened in self.person.opened.items():
            closed = self.person.closed.get(account_id)
            count += day_of(opened.opened_on) <= day and (closed is None or day <= day_of(closed.closed_on))
        return count

    def verified(self, day: int) -> bool:
        known = [on for on in self.person.kyc if on <= day]
        if not known:
            return False
        state = self.person.kyc[max(known)]
        return state.status == "verified" and (state.valid_until is None or day <= day_of(state.valid_until))

    def features(self, day: int) -> dict[str, int]:
        assert self.start is not None
        year = range(day - 364, day + 1)
        rows = [(row, times) for on in year for row, times in self.by_day.get(on, [])]
        own = [(row, times) for row, times in rows if is_own(row)]
        cost = sum(t * self.policies.tariffs.on(day_of(r.booking_date)).cost_by_channel[r.channel] for r, t in rows)
        revenue = sum(self.earned(on) for on in year)
        own_days = [
            on for on, booked in self.by_day.items() if on <= day and sum(t for r, t in booked if is_own(r)) > 0
        ]
        return {
            "aum_end_of_day": self.aum(day),
            "aum_average_30d": sum(self.aum(on) for on in range(day - 29, day + 1)) // 30,
            "aum_average_90d": sum(self.aum(on) for on in range(day - 89, day + 1)) // 90,
            "aum_average_365d": sum(self.aum(on) for on in year) // 365,
            "revenue_365d": revenue,
            "cost_365d": cost,
            "profit_365d": revenue - cost,
            "frequency_365d": sum(times for _, times in own),
            "monetary_365d": sum(t * cents(r) for r, t in own if r.direction == "debit"),
            "inflow_365d": sum(
                t * cents(r)
                for r, t in rows
                if r.direction == "credit"
                and r.purpose not in ("fee", "interest", "penalty-interest")
                and not self.lent(r.account_id)
            ),
            "recency_days": min(day - max(own_days), 100_000) if own_days else 100_000,
            "products_held": self.products(day),
            "tenure_days": max(0, day - self.start),
        }


def is_own(row: bank.TransactionPosted | bank.TransactionReversed) -> bool:
    return row.channel in OWN and row.purpose not in ("fee", "interest", "penalty-interest")


def points(part: Part, value: int) -> int:
    """A broken line, corner by corner."""
    total = part.line[0][1]
    for (left, low), (right, high) in zip(part.line, part.line[1:], strict=False):
        total += (min(max(value, left), right) - left) * (high - low) // (right - left)
    return total


def measure(version: PolicyVersion, features: dict[str, int]) -> int:
    """The number that thresholds are held against."""
    rule = version.measure
    if rule.feature:
        return features[rule.feature]
    if rule.gate and features[rule.gate.feature] < rule.gate.at_least:
        return 0
    return sum(part.weight_percent * points(part, features[part.feature]) for part in rule.parts) // 100


def path(life: Life, scheme: Scheme, end: int) -> list[Point]:
    """Day by day, rung by rung, with what each rung remembers."""
    rungs = len(scheme.tier_names)
    held, qualified, kept = [False] * rungs, [-(10**6)] * rungs, [-(10**6)] * rungs
    result: list[Point] = []
    assert life.start is not None
    for day in range(life.start, end + 1):
        version = scheme.on(day)
        has_money = life.money_from is not None and day >= life.money_from
        value = measure(version, life.features(day)) if has_money else 0
        for rung in range(1, rungs):
            tier = version.tiers[rung]
            if value >= tier.enter:
                qualified[rung], held[rung] = day, True
            if value >= tier.exit:
                kept[rung] = day
            too_long = day - kept[rung] > version.grace_days
            stayed = day - qualified[rung] >= version.minimum_stay_days
            if value < tier.enter and too_long and stayed:
                held[rung] = False
        top = max((rung for rung in range(1, rungs) if held[rung]), default=0)
        settled = day >= add_months(life.start, life.policies.provisional_months)
        pending = waiting(version, value, top, held, qualified, kept)
        state = (version.tiers[top].name, not (settled and life.verified(day)), pending, version.version)
        if not result or result[-1][1:] != state:
            result.append((day, *state))
    return result


def waiting(
    version: PolicyVersion, value: int, top: int, held: list[bool], qualified: list[int], kept: list[int]
) -> tuple[str, int, int] | None:
    """The downgrade that waits, if the measure stays as it is."""
    if top == 0 or value >= version.tiers[top].exit:
        return None

    def due(rung: int) -> int:
        return max(kept[rung] + version.grace_days + 1, qualified[rung] + version.minimum_stay_days)

    left = 0
    for rung in range(1, top):
        if held[rung] and (value >= version.tiers[rung].exit or due(rung) > due(top)):
            left = rung
    return (version.tiers[left].name, kept[top] + 1, due(top))


def answer(said: Sequence[Said], policies: PolicySet, end: int) -> dict[str, Answer]:
    """The whole truth about everybody whose relationship has begun by `end`."""
    result = {}
    for customer_id, person in people(said).items():
        life = Life(person, policies)
        if life.start is not None and life.start <= end:
            paths = {scheme.name: path(life, scheme, end) for scheme in policies.schemes}
            result[customer_id] = Answer(life.features(end), paths)
    return result
