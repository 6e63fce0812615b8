"""How the customers of a synthetic bank answer the risk questionnaire, and on which days."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Final, NamedTuple

import numpy as np

from tierflow_embedded.generate.book import Book, Flags, customer_id
from tierflow_embedded.generate.plan import YUAN, BankPlan

QUESTIONNAIRE: Final = "cn-retail"
VERSION: Final = "2026.1"
_FRESH_DAYS_BEFORE_SALES: Final = 10
_STALE_DAYS_BEFORE_END: Final = 400

# For each question about risk: the options from cautious to bold, and which one an appetite of 1 to 5 takes.
_RISK: Final[Mapping[str, tuple[tuple[str, ...], tuple[int, int, int, int, int]]]] = {
    "share": (("below-10", "10-25", "25-50", "50-up"), (0, 0, 1, 2, 3)),
    "experience": (("none", "below-2", "2-5", "5-up"), (0, 1, 1, 3, 3)),
    "products": (("deposits", "funds", "shares", "derivatives"), (0, 1, 1, 2, 3)),
    "purpose": (("preserve", "income", "growth", "gain"), (0, 1, 1, 2, 3)),
    "horizon": (("below-1", "1-3", "3-5", "5-up"), (0, 1, 2, 3, 3)),
    "loss": (("none", "below-10", "10-30", "30-up"), (0, 1, 1, 3, 3)),
    "reaction": (("sell-all", "sell-part", "wait", "buy"), (0, 0, 1, 2, 3)),
}
_AGES: Final = (("18-30", 30), ("31-50", 50), ("51-64", 64), ("65-up", 200))
_INCOMES: Final = (("below-50k", 50_000), ("50k-200k", 200_000), ("200k-500k", 500_000), ("500k-up", 10**12))
_ASSETS: Final = (("below-100k", 100_000), ("100k-500k", 500_000), ("500k-3m", 3_000_000), ("3m-up", 10**12))


class Answered(NamedTuple):
    """One customer answers the questionnaire: an option for each question."""

    customer_id: str
    moment: datetime
    answers: Mapping[str, str]


def answer_days(plan: BankPlan) -> frozenset[int]:
    """The few days on which the bank asks its customers: long ago, before the sales, and amid them."""
    return frozenset({_fresh(plan), _later(plan)} | ({_stale(plan)} if _stale(plan) >= 0 else set()))


def _stale(plan: BankPlan) -> int:
    return plan.days - _STALE_DAYS_BEFORE_END


def _fresh(plan: BankPlan) -> int:
    return max(0, plan.sales_from - _FRESH_DAYS_BEFORE_SALES)


def _later(plan: BankPlan) -> int:
    return plan.sales_from + (plan.days - plan.sales_from) // 2


def answers(plan: BankPlan, book: Book, day: int) -> Iterator[Answered]:
    """Who answers on this day. Some never do; some answered so long ago that it no longer counts."""
    if day not in answer_days(plan):
        return
    moment = datetime.combine(plan.day(day), time(1, 30), UTC)
    for index in np.flatnonzero(_asked(plan, book, day)).tolist():
        yield Answered(customer_id(index), moment, _answers(plan, book, index))


def _asked(plan: BankPlan, book: Book, day: int) -> Flags:
    """Each customer belongs to one group: 8 % never answer, 8 % answered long ago, the rest in time."""
    group = np.arange(len(book)) * 37 % 100
    present = (book.joined < day) | (day == 0)
    if day == _stale(plan):
        asked: Flags = present & (group >= 8) & (group < 16)
    elif day == _fresh(plan):
        asked = present & (group >= 16)
    else:
        asked = present & (group >= 16) & (book.joined >= _fresh(plan))
    return asked


def _answers(plan: BankPlan, book: Book, index: int) -> dict[str, str]:
    """True answers about age, income and assets; the others by the customer's appetite for risk."""
    appetite = _appetite(plan, book, index)
    given = {
        "age": _bracket(_AGES, int(book.age[index]) or 40),
        "income": _bracket(_INCOMES, int(book.salary_minor[index]) * 12 // YUAN),
        "assets": _bracket(_ASSETS, int(book.opening_minor[index]) // YUAN),
    }
    given.update({question: options[choice[appetite - 1]] for question, (options, choice) in _RISK.items()})
    return given


def _bracket(brackets: tuple[tuple[str, int], ...], value: int) -> str:
    return next(name for name, highest in brackets if value <= highest)


def _appetite(plan: BankPlan, book: Book, index: int) -> int:
    """Older customers take less risk; companies take the middle."""
    if book.company[index]:
        return 3
    calm = 0.8 if book.age[index] >= 65 else 0.0
    return int(np.clip(round(plan.random(4, index).normal(3.3 - calm, 1.0)), 1, 5))
