"""Plays a generated bank into a server: events in order, answers and office days at their time."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from tierflow_embedded.clocks import StreamClock
from tierflow_embedded.demo.people import People
from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.questionnaire import Answered
from tierflow_embedded.generate.stream import Item, bank_stream
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.feed import Feed, Outgoing
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.web.client import ApiClient

OFFICE_DAY_EVERY: Final = 7
_LIMIT_S: Final = 60.0


class Player:
    """Moves the stream, the clock and the people together, day by day."""

    def __init__(self, plan: BankPlan, client: ApiClient, clock: StreamClock, people: People, feed: Feed) -> None:
        self._plan, self._client, self._clock = plan, client, clock
        self._people, self._feed = people, feed
        self._answering = False
        self.books = Books()

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
        self.books.add(item)
        self._feed.send(Outgoing(item.type, item.json()))

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


def _day_of(item: Item) -> date:
    return (item.moment if isinstance(item, Answered) else item.time).date()
