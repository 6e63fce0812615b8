"""The private-bank tier of one customer, day by day, slowly and by the words of the domain, not by the product's code.

A tier is reached on the day the assets at the end of the day reach its threshold. It is left when the assets have been
below 80 % of it for more than 30 days and the last day on which they reached it is at least 90 days ago. The tier is
provisional until six months after the relationship began, and whenever due diligence is not valid.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from tests.chaos.expected import Bucket, BucketKey, Customer

TIERS: Final = ("general", "personal", "platinum", "private")
ENTER: Final = (0, 100_000_00, 1_000_000_00, 8_000_000_00)
EXIT: Final = (0, 80_000_00, 800_000_00, 6_400_000_00)
GRACE_DAYS: Final = 30
STAY_DAYS: Final = 90
LENT: Final = ("loan", "card")
_NEVER: Final = date(1, 1, 1)


class Point(NamedTuple):
    """The standing from a day on."""

    day: str
    tier: str
    provisional: bool
    pending: str | None


class Life:
    """One customer's money and papers by day."""

    def __init__(self, customer: Customer, buckets: Mapping[BucketKey, Bucket]) -> None:
        self._customer = customer
        lent = {name for name, (_, kind, _) in customer.opened.items() if kind in LENT}
        self._moves: dict[date, int] = defaultdict(int)
        money_days: list[date] = []
        for (day, _, account), bucket in buckets.items():
            on = date.fromisoformat(day)
            if account not in lent:
                self._moves[on] += bucket.net
            if bucket.transactions:
                money_days.append(on)
        self._values: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for (holding, day), (_, value) in sorted(customer.values.items()):
            self._values[holding].append((date.fromisoformat(day), value))
            money_days.append(date.fromisoformat(day))
        self.money_from = min(money_days, default=None)
        opened = [date.fromisoformat(day) for _, _, day in customer.opened.values()]
        self.start = min([*opened, *([self.money_from] if self.money_from else [])], default=None)

    def assets(self, day: date) -> int:
        """Assets under management at the end of a day, in cents: deposits and what holdings are worth."""
        deposits = sum(change for on, change in self._moves.items() if on <= day)
        worth = sum(_latest(values, day) for values in self._values.values())
        return deposits + worth

    def verified(self, day: date) -> bool:
        """Whether due diligence is valid on a day."""
        known = [on for on in self._customer.kyc if date.fromisoformat(on) <= day]
        if not known:
            return False
        _, status, until = self._customer.kyc[max(known)]
        return status == "verified" and (until is None or day <= date.fromisoformat(until))


def _latest(values: Iterable[tuple[date, int]], day: date) -> int:
    worth = 0
    for on, value in values:
        if on <= day:
            worth = value
    return worth


def half_a_year_after(day: date) -> date:
    """Six months later, at the latest on the last day of that month."""
    month = day.month + 6
    year, month = (day.year + 1, month - 12) if month > 12 else (day.year, month)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def path(life: Life, end: date) -> list[Point]:
    """The standings through `end`, each from its first day."""
    if life.start is None:
        return []
    held = [False] * 4
    reached, kept = [_NEVER] * 4, [_NEVER] * 4
    points: list[Point] = []
    day = life.start
    while day <= end:
        money = life.assets(day) if life.money_from and day >= life.money_from else 0
        for rung in (1, 2, 3):
            if money >= ENTER[rung]:
                held[rung], reached[rung] = True, day
            if money >= EXIT[rung]:
                kept[rung] = day
            elif (day - kept[rung]).days > GRACE_DAYS and (day - reached[rung]).days >= STAY_DAYS:
                held[rung] = False
        top = max((rung for rung in (1, 2, 3) if held[rung]), default=0)
        provisional = day < half_a_year_after(life.start) or not life.verified(day)
        point = Point(day.isoformat(), TIERS[top], provisional, _pending(money, top, held, reached, kept))
        if not points or points[-1][1:] != point[1:]:
            points.append(point)
        day += timedelta(days=1)
    return points


def _pending(money: int, top: int, held: list[bool], reached: list[date], kept: list[date]) -> str | None:
    """The tier to which the customer will fall if the money stays as it is."""
    if top == 0 or money >= EXIT[top]:
        return None

    def due(rung: int) -> date:
        return max(kept[rung] + timedelta(days=GRACE_DAYS + 1), reached[rung] + timedelta(days=STAY_DAYS))

    stays = [rung for rung in range(1, top) if held[rung] and (money >= EXIT[rung] or due(rung) > due(top))]
    return TIERS[max(stays, default=0)]
