"""The population of a synthetic bank as columns: one row per customer, drawn once from the seed.

Memory grows with the number of customers and not with the span or the number of events.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tierflow_embedded.generate.plan import YUAN, BankPlan

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Journey(IntEnum):
    """How a customer's money moves over the span; the threshold words refer to the scheme `private-bank`."""

    STEADY = 0
    RISES_TO_PERSONAL = 1
    RISES_TO_PLATINUM = 2
    RISES_TO_PRIVATE = 3
    FALLS_EARLY = 4  # from platinum, long enough ago for the downgrade to be done
    FALLS_LATE = 5  # from platinum, so lately that the downgrade is still pending
    FALLS_AND_RECOVERS = 6  # below the exit threshold for a few days
    LEAVES = 7  # takes nearly everything out


@dataclass(frozen=True, slots=True)
class Move:
    """One large movement of a journey, in yuan (negative: out).

    It happens `days_before_end` days before the end of the span, or up to `spread_days` earlier: not all at once.
    """

    days_before_end: int
    yuan: int
    spread_days: int = 150


START_YUAN: Final[dict[Journey, int]] = {
    Journey.RISES_TO_PERSONAL: 60_000,
    Journey.RISES_TO_PLATINUM: 640_000,
    Journey.RISES_TO_PRIVATE: 5_500_000,
    Journey.FALLS_EARLY: 1_600_000,
    Journey.FALLS_LATE: 1_500_000,
    Journey.FALLS_AND_RECOVERS: 1_400_000,
    Journey.LEAVES: 420_000,
}
MOVES: Final[dict[Journey, tuple[Move, ...]]] = {
    Journey.STEADY: (),
    Journey.RISES_TO_PERSONAL: (Move(200, 90_000, 360),),
    Journey.RISES_TO_PLATINUM: (Move(280, 500_000), Move(100, 200_000)),
    Journey.RISES_TO_PRIVATE: (Move(90, 4_200_000, 300),),
    Journey.FALLS_EARLY: (Move(400, -900_000), Move(390, -350_000)),
    Journey.FALLS_LATE: (Move(5, -900_000, 20),),
    Journey.FALLS_AND_RECOVERS: (Move(310, -900_000), Move(295, 1_000_000)),
    Journey.LEAVES: (Move(150, -390_000, 330),),
}
_CYCLE: Final = 32  # of 32 customers in a row, the last seven make a journey
OCCUPATIONS: Final = (
    "employee", "employee", "employee", "executive", "business-owner", "civil-servant", "teacher",
    "doctor", "lawyer", "accountant", "rentier", "homemaker",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Book:
    """Columns of all customers. Money is in minor units (fen); days are indexes from the first day."""

    company: Flags
    age: Ints  # whole years at the end of the span; companies 0
    birth_month_day: Ints  # 0..364
    occupation: Ints  # index into OCCUPATIONS
    retired: Flags
    joined: Ints
    journey: Ints
    opening_minor: Ints
    salary_minor: Ints
    payday: Ints  # 1..28
    rent_minor: Ints  # rent, or the instalments of a home
    activity: NDArray[np.float64]  # card payments expected a day
    saves: Flags  # has a savings account
    invests: Flags  # holds a wealth product, fund or insurance
    manager: Ints  # index of the relationship manager
    balance_minor: Ints  # of the current account, moves with the stream
    savings_minor: Ints

    def __len__(self) -> int:
        return len(self.company)


def draw_book(plan: BankPlan) -> Book:
    """The population of a plan."""
    random, n = plan.random(0), plan.customers
    index = np.arange(n)
    company = index % 25 == 24
    journey = np.where((index % _CYCLE >= _CYCLE - 7) & ~company, index % _CYCLE - (_CYCLE - 8), 0)
    age = np.where(company, 0, np.clip(random.normal(47, 15, n), 19, 88).astype(np.int64))
    retired = (age >= 60) & (random.random(n) < 0.85)
    opening = _opening_minor(random, journey, company)
    salary = _salary_minor(random, company, retired)
    late = (journey == 0) & (random.random(n) < 0.15)
    return Book(
        company=company,
        age=age,
        birth_month_day=random.integers(0, 365, n),
        occupation=random.integers(0, len(OCCUPATIONS), n),
        retired=retired,
        joined=np.where(late, random.integers(0, max(1, plan.days * 4 // 5), n), 0),
        journey=journey,
        opening_minor=opening,
        salary_minor=salary,
        payday=random.integers(1, 29, n),
        rent_minor=np.where(company, 0, salary // 4),
        activity=random.gamma(2.0, 0.08, n),
        saves=(opening >= 20_000 * YUAN) & (random.random(n) < 0.5),
        invests=(opening >= 50_000 * YUAN) & (random.random(n) < 0.55),
        manager=_managers(random, opening, plan.relationship_managers),
        balance_minor=np.zeros(n, np.int64),
        savings_minor=np.zeros(n, np.int64),
    )


def _opening_minor(random: np.random.Generator, journey: Ints, company: Flags) -> Ints:
    """Money at the start: a journey's own, else log-normal so that every tier of the pyramid is there."""
    n = len(journey)
    yuan = np.exp(random.normal(9.7, 1.7, n)).astype(np.int64)
    yuan = np.where(np.arange(n) % 40 == 1, 9_000_000 + random.integers(0, 30_000_000, n), yuan)
    yuan = np.where(company, yuan * 12, yuan)
    for kind, start in START_YUAN.items():
        jitter = 1 + random.random(n) * 0.05
        yuan = np.where(journey == kind, (start * jitter).astype(np.int64), yuan)
    return np.clip(yuan, 50, 90_000_000) * YUAN


def _salary_minor(random: np.random.Generator, company: Flags, retired: Flags) -> Ints:
    """What comes in each month: a salary, a pension, or a company's net takings."""
    yuan = np.exp(random.normal(9.1, 0.45, len(company)))
    yuan = np.where(retired, yuan * 0.45, yuan)
    return np.where(company, yuan * 6, yuan).astype(np.int64) * YUAN


def _managers(random: np.random.Generator, opening_minor: Ints, count: int) -> Ints:
    """An RM for each customer whose role fits the money at the start (roles repeat in steps of eight)."""
    grade = np.digitize(opening_minor, np.array([100_000, 1_000_000, 8_000_000]) * YUAN)
    group = random.integers(0, count // 8, len(opening_minor)) * 8
    managers: Ints = group + ROLE_OF_GRADE[grade, random.integers(0, 2, len(grade))]
    return managers


# Slots of eight RMs: see `reference.ROLES`. Row: grade general, personal, platinum, private.
ROLE_OF_GRADE: Final = np.array([[5, 6], [3, 4], [1, 2], [0, 0]])


def customer_id(index: int) -> str:
    """The id of customer number `index`; the seed is in the events' source, not in the id."""
    return f"c-{index:07d}"
