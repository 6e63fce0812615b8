"""Plays a generated bank into a server: events in order, answers and office days at their time."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from tierflow_embedded.clocks import PlayedClock
from tierflow_embedded.demo.people import People
from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.questionnaire import Answered
from tierflow_embedded.generate.stream import Item, bank_stream
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.feed import Counts, Feed, Outgoing
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.contracts.bank import SaleRequested
from tierflow_shared.web.client import ApiClient

OFFICE_DAY_EVERY: Final = 7
_LIMIT_S: Final = 60.0


class Player:
    """Moves the stream, the clock and the people together, day by day.

    `as_sent` may change an event on its way out, for a server whose clock does not follow the stream.
    """

    def __init__(
        self,
        plan: BankPlan,
        client: ApiClient,
        clock: PlayedClock,
        people: People,
        feed: Feed,
        as_sent: Callable[[Envelope], Envelope] = lambda event: event,
    ) -> None:
        self._plan, self._client, self._clock = plan, client, clock
        self._people, self._feed, self._as_sent = people, feed, as_sent
        self._answering = False
        self.books = Books()

    @property
    def counts(self) -> Counts:
        """What was sent and what became of it."""
        return self._feed.counts

    def play(self, on_day: Callable[[int], None]) -> None:
        """Plays everything; when it returns, all services have read all there is."""
        today: date | None = None
        in_head = True
        for item in bank_stream(self._plan):
            if in_head and not (isinstance(item, Envelope) and item.is_reference):
                in_head = False
                self._settle()
            day = _day_of(item)
            if today is not None and day > today:
                self._end_of_day(today)
                on_day((day - self._plan.start).days)
            today = day
            self._take(item)
        self._end_of_day(self._plan.end)
        self._settle()
        on_day(self._plan.days)

    def _take(self, item: Item) -> None:
        if isinstance(item, Answered):
            if not self._answering:
                self._settle()
                self._answering = True
            self._clock.advance_to(item.moment)
            self._people.answer(item)
            return
        self._answering = False
        self._clock.advance_to(item.time)
        event = self._as_sent(item)
        self.books.add(event)
        self._feed.send(Outgoing(event.type, event.json()))

    def _end_of_day(self, today: date) -> None:
        """Once a week in the months of sales, and on the last day, the books are closed and the staff works."""
        index = (today - self._plan.start).days
        is_last = today == self._plan.end
        if not is_last and (index < self._plan.sales_from or index % OFFICE_DAY_EVERY):
            return
        self._settle()
        self._people.work(self._clock.now())
        tomorrow = (today + timedelta(days=1)).isoformat()
        self._client.post("/events/v1/business-date", {"business_date": tomorrow})

    def _settle(self) -> None:
        self._feed.flush()
        wait_for_services(self._client, limit_s=_LIMIT_S)


def asked_now(event: Envelope, now: datetime) -> Envelope:
    """A request for a sale as if it were made now, with its documents as old as they were; others as they are.

    Questionnaires are answered at the server's time, and only those answered before a sale count for it.
    """
    asked = event.data
    if not isinstance(asked, SaleRequested):
        return event
    later = now.replace(microsecond=0) - asked.requested_at
    documents = tuple(replace(one, recorded_at=one.recorded_at + later) for one in asked.evidence)
    data = replace(asked, requested_at=asked.requested_at + later, evidence=documents)
    return event._replace(time=event.time + later, data=data)


def _day_of(item: Item) -> date:
    return (item.moment if isinstance(item, Answered) else item.time).date()
