"""The sender's own books: what was read, added up independently of any service."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from tierflow_embedded.envelope import Envelope
from tierflow_shared.contracts.bank import AccountOpened, TransactionPosted, TransactionReversed
from tierflow_shared.money import minor_units


@dataclass(slots=True)
class Books:
    """Signed sums per account in minor units, bookings per account, events by type, and the last booking date."""

    sums_minor: Counter[str] = field(default_factory=Counter)
    bookings: Counter[str] = field(default_factory=Counter)
    accounts: set[str] = field(default_factory=set)
    by_type: Counter[str] = field(default_factory=Counter)
    last_booking: date | None = None

    def watch(self, events: Iterable[Envelope]) -> Iterator[Envelope]:
        """Passes events on and keeps the books of them."""
        for event in events:
            self.add(event)
            yield event

    def add(self, event: Envelope) -> None:
        """Takes one event into the books."""
        self.by_type[event.type] += 1
        match event.data:
            case AccountOpened(account_id=account):
                self.accounts.add(account)
            case TransactionPosted() as posted:
                self._book(posted, 1 if posted.direction == "credit" else -1)
                self.bookings[posted.account_id] += 1
                self.last_booking = max(self.last_booking or posted.booking_date, posted.booking_date)
            case TransactionReversed() as taken_back:
                self._book(taken_back, -1 if taken_back.direction == "credit" else 1)
                self.bookings[taken_back.account_id] -= 1
            case _:
                pass

    def _book(self, data: TransactionPosted | TransactionReversed, sign: int) -> None:
        self.sums_minor[data.account_id] += sign * minor_units(data.amount.value, data.amount.currency)
