"""One day's bookings of the whole bank, drawn in columns; balances in the book move with them."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import numpy as np

from tierflow_embedded.generate.book import MOVES, Book, Flags, Ints
from tierflow_embedded.generate.plan import YUAN, BankPlan
from tierflow_embedded.generate.profiles import INVESTED_SHARE_PERCENT
from tierflow_shared.contracts.bank import TransactionChannel, TransactionPurpose

_INTEREST_DAYS: Final = frozenset({(3, 21), (6, 21), (9, 21), (12, 21)})
_BACK_DATED_SHARE: Final = 0.006
_REVERSED_SHARE: Final = 0.006
LATEST_REVERSAL_DAYS: Final = 9


class Booking(NamedTuple):
    """One booked amount, before it becomes an event."""

    customer: int
    account: Literal["current", "savings"]
    minor: int
    credit: bool
    channel: TransactionChannel
    purpose: TransactionPurpose
    second: int  # of the day
    booked_days_ago: int = 0
    reversed_in_days: int = 0  # 0: never


class Kind(NamedTuple):
    """What bookings of one kind have in common."""

    account: Literal["current", "savings"]
    credit: bool
    channel: TransactionChannel
    purpose: TransactionPurpose
    second: int


def day_bookings(plan: BankPlan, book: Book, day: int) -> Iterator[Booking]:
    """All bookings of a day; within a day they are not yet in order of time."""
    here = _Day(plan, book, day)
    yield from here.regular()
    yield from here.interest()
    yield from here.journeys()
    yield from here.cards()


class _Day:
    """A day in the life of the book."""

    def __init__(self, plan: BankPlan, book: Book, day: int) -> None:
        self.book, self.day, self.on = book, day, plan.day(day)
        self.random = plan.random(2, day)
        self.days_to_end = plan.days - 1 - day
        self.active: Flags = book.joined <= day

    def _move(self, kind: Kind, wanted: Flags, amounts: Ints) -> Iterator[Booking]:
        """Books `amounts` for those wanted who are there and can pay."""
        column = self.book.balance_minor if kind.account == "current" else self.book.savings_minor
        able = self.active & wanted & (amounts > 0)
        if not kind.credit:
            able &= column >= amounts
        rows = np.flatnonzero(able)
        column[rows] += amounts[rows] if kind.credit else -amounts[rows]
        for row, minor in zip(rows.tolist(), amounts[rows].tolist(), strict=True):
            yield Booking(row, kind.account, minor, kind.credit, kind.channel, kind.purpose, kind.second + row % 1_800)

    def regular(self) -> Iterator[Booking]:
        """Opening money, income, rent, cash, saving and fees."""
        book, on = self.book, self.on
        yield from self._move(
            Kind("current", True, "branch", "transfer", 1_800), book.joined == self.day, _first_money(book)
        )
        paid = book.payday == on.day
        for purpose, who in _incomes(book):
            yield from self._move(Kind("current", True, "system", purpose, 4_000), paid & who, book.salary_minor)
        if on.day == 5:
            everyone = np.ones(len(book), np.bool_)
            yield from self._move(
                Kind("current", False, "standing-order", "household", 6_000), everyone, book.rent_minor
            )
        weekly = (np.arange(len(book)) % 7 == self.day % 7) & (self.random.random(len(book)) < 0.5)
        cash = book.salary_minor * 6 // 100 // (50 * YUAN) * (50 * YUAN)
        yield from self._move(Kind("current", False, "atm", "cash", 20_000), weekly, cash)
        if on.day == 15:
            yield from self._save()
        if on.day == 1:
            fee = np.where(book.company, 60 * YUAN, 5 * YUAN)
            yield from self._move(Kind("current", False, "system", "fee", 2_500), ~book.retired, fee)

    def _save(self) -> Iterator[Booking]:
        """A monthly transfer into the savings account: two bookings of the same amount."""
        book = self.book
        amounts = book.salary_minor // 12
        can = book.saves & (book.balance_minor >= amounts)
        yield from self._move(Kind("current", False, "online", "transfer", 30_000), can, amounts)
        yield from self._move(Kind("savings", True, "online", "transfer", 30_001), can, amounts)

    def interest(self) -> Iterator[Booking]:
        """Interest on both accounts at the end of a quarter."""
        if (self.on.month, self.on.day) not in _INTEREST_DAYS:
            return
        book = self.book
        everyone = np.ones(len(book), np.bool_)
        yield from self._move(
            Kind("current", True, "system", "interest", 2_000), everyone, book.balance_minor * 5 // 10_000
        )
        yield from self._move(Kind("savings", True, "system", "interest", 2_001), book.saves, book.savings_minor // 250)

    def journeys(self) -> Iterator[Booking]:
        """The large movements that carry customers from tier to tier."""
        book = self.book
        for journey, moves in MOVES.items():
            for move in moves:
                earlier = self.days_to_end - move.days_before_end
                if not 0 <= earlier < move.spread_days:
                    continue
                wanted = (book.journey == journey) & (np.arange(len(book)) * 53 % move.spread_days == earlier)
                amounts = np.full(len(book), abs(move.yuan) * YUAN, np.int64)
                if move.yuan < 0:
                    amounts = np.minimum(amounts, book.balance_minor)
                kind = Kind("current", move.yuan > 0, "branch", "transfer", 12_000)
                yield from self._move(kind, wanted, amounts)

    def cards(self) -> Iterator[Booking]:
        """Card payments: several a day are possible; some are booked late, some are taken back."""
        book, random = self.book, self.random
        counts = np.where(self.active & ~book.company, random.poisson(book.activity), 0)
        rows = np.repeat(np.arange(len(book)), counts)
        mean = book.salary_minor[rows] * 0.55 / np.maximum(book.activity[rows] * 30.4, 1.0)
        amounts = np.maximum(100, (mean * random.gamma(1.6, 1 / 1.6, len(rows))).astype(np.int64))
        totals = np.bincount(rows, amounts, len(book)).astype(np.int64)
        payable = (totals <= book.balance_minor)[rows]
        rows, amounts = rows[payable], amounts[payable]
        book.balance_minor[:] -= np.bincount(rows, amounts, len(book)).astype(np.int64)
        seconds = random.integers(3_600, 50_000, len(rows))
        lag = np.where(random.random(len(rows)) < _BACK_DATED_SHARE, random.integers(1, 6, len(rows)), 0)
        lag = np.minimum(lag, self.day - book.joined[rows])
        taken_back = random.random(len(rows)) < _REVERSED_SHARE
        wait = np.where(taken_back, random.integers(1, LATEST_REVERSAL_DAYS + 1, len(rows)), 0)
        columns = (rows.tolist(), amounts.tolist(), seconds.tolist(), lag.tolist(), wait.tolist())
        for row, minor, second, late, back in zip(*columns, strict=True):
            yield Booking(row, "current", minor, False, "card", "card-payment", second, late, back)


def _first_money(book: Book) -> Ints:
    """What is paid in when the account opens: all the money, less what is invested elsewhere."""
    return np.where(book.invests, book.opening_minor * (100 - INVESTED_SHARE_PERCENT) // 100, book.opening_minor)


def _incomes(book: Book) -> tuple[tuple[TransactionPurpose, Flags], ...]:
    person = ~book.company
    return ("salary", person & ~book.retired), ("pension", person & book.retired), ("transfer", book.company)


__all__ = ["LATEST_REVERSAL_DAYS", "Booking", "day_bookings"]
