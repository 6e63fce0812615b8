"""The whole bank as one stream: events and answers in order of time, one day in memory at a time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import numpy as np

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.book import Book, customer_id, draw_book
from tierflow_embedded.generate.bookings import Booking, day_bookings
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.profiles import (
    current_account,
    joining_events,
    money,
    savings_account,
    valuation,
)
from tierflow_embedded.generate.questionnaire import Answered, answers
from tierflow_embedded.generate.reference import reference_events
from tierflow_embedded.generate.sales import sale_requests
from tierflow_shared.contracts.bank import TransactionPosted, TransactionReversed

Item = Envelope | Answered


def bank_stream(plan: BankPlan) -> Iterator[Item]:
    """Reference data first, then everything else by time. Equal plans give equal streams."""
    yield from reference_events(plan)
    book = draw_book(plan)
    reversals: dict[int, list[tuple[Booking, TransactionPosted]]] = defaultdict(list)
    for day in range(plan.days):
        for index in np.flatnonzero(book.joined == day).tolist():
            yield from joining_events(plan, book, index)
        items: list[Item] = list(_day(plan, book, day, reversals))
        items.sort(key=_moment)
        yield from items


def bank_events(plan: BankPlan) -> Iterator[Envelope]:
    """The stream without the questionnaire answers: what core banking sends."""
    return (item for item in bank_stream(plan) if isinstance(item, Envelope))


def _moment(item: Item) -> datetime:
    return item.moment if isinstance(item, Answered) else item.time


def _day(
    plan: BankPlan, book: Book, day: int, reversals: dict[int, list[tuple[Booking, TransactionPosted]]]
) -> Iterator[Item]:
    for number, (booking, posted) in enumerate(reversals.pop(day, [])):
        book.balance_minor[booking.customer] += booking.minor
        yield _reversed(plan, day, number, posted)
    for number, booking in enumerate(day_bookings(plan, book, day)):
        envelope = _posted(plan, day, number, booking)
        if booking.reversed_in_days and isinstance(envelope.data, TransactionPosted):
            reversals[day + booking.reversed_in_days].append((booking, envelope.data))
        yield envelope
    yield from _valuations(plan, book, day)
    yield from sale_requests(plan, book, day)
    yield from answers(plan, book, day)


def _valuations(plan: BankPlan, book: Book, day: int) -> Iterator[Envelope]:
    """Investments are valued on the day a customer joins and at each start of a month."""
    due = book.invests & (book.joined <= day)
    if plan.day(day).day != 1:
        due &= book.joined == day
    for index in np.flatnonzero(due).tolist():
        yield valuation(plan, book, index, day)


def _posted(plan: BankPlan, day: int, number: int, booking: Booking) -> Envelope:
    on = plan.day(day)
    account = current_account if booking.account == "current" else savings_account
    data = TransactionPosted(
        transaction_id=f"t-{day:04d}-{number:07d}",
        customer_id=customer_id(booking.customer),
        account_id=account(booking.customer),
        amount=money(booking.minor),
        direction="credit" if booking.credit else "debit",
        booking_date=on - timedelta(days=booking.booked_days_ago),
        channel=booking.channel,
        purpose=booking.purpose,
    )
    moment = datetime.combine(on, time(), UTC) + timedelta(seconds=booking.second)
    return Envelope(data.transaction_id, plan.source, moment, data)


def _reversed(plan: BankPlan, day: int, number: int, posted: TransactionPosted) -> Envelope:
    on = plan.day(day)
    data = TransactionReversed(
        transaction_id=posted.transaction_id,
        customer_id=posted.customer_id,
        account_id=posted.account_id,
        amount=posted.amount,
        direction=posted.direction,
        booking_date=posted.booking_date,
        channel=posted.channel,
        purpose=posted.purpose,
        reversed_on=on,
        reason="payment taken back",
    )
    moment = datetime.combine(on, time(3, 0), UTC) + timedelta(seconds=number % 3_600)
    return Envelope(f"{posted.transaction_id}-reversed", plan.source, moment, data)
