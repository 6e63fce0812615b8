"""What the use cases need from outside."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from tierflow_events.domain.arrivals import Raw
from tierflow_events.domain.letters import Letter, LetterFilter, LetterGroup, Replay
from tierflow_events.domain.placing import Candidate, Known, Place
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.privacy.vault import NotOpenedError, ToSeal


class EventReader(Protocol):
    """Reads the events of one request, as of the moment at which it came."""

    def batch(self, body: bytes, max_events: int) -> list[Raw]:
        """The events of a JSON array. One bad event does not spoil the others.

        Raises:
            NotJsonError: the body is not a JSON array.
            TooManyEventsError: more than `max_events`.
        """

    def single(self, body: bytes) -> Raw:
        """The event of a JSON object with all attributes."""

    def binary(self, attributes: Mapping[str, str], body: bytes) -> Raw:
        """The event whose attributes came as `ce-` headers and whose data is the body."""


# A reader for a request that came at a moment, with the request's traceparent ("" without one).
OpenReader = Callable[[datetime, str], EventReader]


class EventVault(Protocol):
    """Seals and opens the personal fields of events. Blocking."""

    def seal_events(self, events: Sequence[ToSeal]) -> list[Data | None]:
        """Each event's data with its personal fields sealed; None where the customer was erased."""

    def open_events(self, data: Sequence[Data]) -> list[Data | NotOpenedError]:
        """Each event's data in the clear, without the fields of erased customers; an error where it cannot be."""


class EventIndex(Protocol):
    """Which events were accepted and where they lie."""

    async def find(self, id_hashes: Sequence[bytes]) -> Mapping[bytes, Known]:
        """The known ones among these ids."""

    async def record(
        self, accepted: Sequence[tuple[Candidate, Place]], conflicts: Sequence[tuple[Candidate, Place]]
    ) -> None:
        """Durable on return, in one transaction: the accepted events, and a dead letter for each conflict.

        An event that somebody recorded first stays as it is.
        """


class Letters(Protocol):
    """The dead letters of all services."""

    async def listed(self, wanted: LetterFilter, after: tuple[int, str] | None, limit: int) -> Sequence[Letter]:
        """At most `limit`, newest first, starting after the sort keys (time in ms, id) of the last one seen."""

    async def get(self, letter_id: str) -> Letter | None: ...

    async def about(self, place: Place) -> Sequence[Letter]:
        """The dead letters about one message."""

    async def open_groups(self, wanted: LetterFilter) -> Sequence[LetterGroup]:
        """How many of the wanted letters are still to be sent, by service, type and reason."""

    async def open_in_log_order(
        self, wanted: LetterFilter, after: tuple[str, int, int, str] | None, limit: int, *, not_of_run: str
    ) -> Sequence[Letter]:
        """At most `limit` that are still to be sent, by topic, partition, offset and id, starting after these.

        Those whose message was sent by the run `not_of_run` are left out.
        """

    async def failed_again(self, letter_ids: Collection[str]) -> Mapping[str, str]:
        """For each letter whose replay failed again, the new letter."""

    async def take_in_hand(self, letter_ids: Sequence[str], replay: Replay) -> frozenset[str]:
        """Marks the letters that nobody has in hand, in one transaction; returns them."""

    async def sent(self, places: Mapping[str, Place]) -> None:
        """Remembers where the messages of letters in hand lie now; a place that is known stays."""


class LetterBook(Protocol):
    """Where letters are written down, inside a unit of work."""

    def add(self, letter: Letter) -> bool:
        """False if it was there before."""

    def get(self, letter_id: str) -> Letter | None: ...

    def about(self, place: Place) -> Sequence[Letter]:
        """The dead letters about one message."""


class BusinessDates(Protocol):
    """The business days that were closed."""

    async def latest(self) -> date | None:
        """The business date as last advanced."""

    async def advanced(self, to: date, by: str, at: datetime) -> None:
        """Remembers an advance and who ordered it."""
