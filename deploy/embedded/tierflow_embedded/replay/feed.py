"""Sends events over HTTP in batches, in order, and counts what the server took."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tierflow_embedded.envelope import BATCH_CONTENT_TYPE, batch_body
from tierflow_shared.web.client import ApiClient, ApiError

MAX_BATCH_BYTES: Final = 900_000  # below the server's default of 1 MiB
MAX_BATCH_EVENTS: Final = 5_000
MAX_REFUSED_SHOWN: Final = 5
_PATH: Final = "/events/v1/events"


class Outgoing(NamedTuple):
    """An encoded event, and the name under which it is counted (a table, a type)."""

    counted_as: str
    body: bytes


@dataclass(slots=True)
class Counts:
    """What was read and what became of it, by name.

    `accepted` lie on the log; of these, `duplicates` had come before. `refused` keeps the first few in words.
    """

    read: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    @property
    def total_read(self) -> int:
        return self.read.total()

    @property
    def total_accepted(self) -> int:
        return self.accepted.total()


class Feed:
    """One sender: the order of the stream is the order in which the server gets it."""

    def __init__(
        self, client: ApiClient, *, batch_events: int, on_sent: Callable[[int], None] = lambda _: None
    ) -> None:
        if not 1 <= batch_events <= MAX_BATCH_EVENTS:
            raise ValueError(f"a batch holds between 1 and {MAX_BATCH_EVENTS} events")
        self._client, self._batch_events, self._on_sent = client, batch_events, on_sent
        self._waiting: list[Outgoing] = []
        self._waiting_bytes = 0
        self.counts = Counts()

    def send_all(self, events: Iterable[Outgoing]) -> None:
        """Sends everything, the last batch included."""
        for event in events:
            self.send(event)
        self.flush()

    def send(self, event: Outgoing) -> None:
        """Adds an event to the batch, and sends the batch when it is full."""
        if self._waiting_bytes + len(event.body) > MAX_BATCH_BYTES:
            self.flush()
        self._waiting.append(event)
        self._waiting_bytes += len(event.body)
        self.counts.read[event.counted_as] += 1
        if len(self._waiting) >= self._batch_events:
            self.flush()

    def flush(self) -> None:
        """Sends what waits. When this returns, the server has made durable what it accepted."""
        if not self._waiting:
            return
        batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._count(batch, self._post(batch_body([event.body for event in batch])))
        self._on_sent(len(batch))

    def _post(self, body: bytes) -> Any:
        """What became of each event. A batch of which a part was refused is a problem that says the same."""
        try:
            return self._client.post(_PATH, body, content_type=BATCH_CONTENT_TYPE).body["results"]
        except ApiError as problem:
            if "results" not in problem.body:
                raise
            return problem.body["results"]

    def _count(self, batch: list[Outgoing], results: Any) -> None:
        for event, result in zip(batch, results, strict=True):
            if result["status"] == "refused":
                self._refused(event, result)
                continue
            self.counts.accepted[event.counted_as] += 1
            if result["status"] == "duplicate":
                self.counts.duplicates[event.counted_as] += 1

    def _refused(self, event: Outgoing, result: Any) -> None:
        if len(self.counts.refused) < MAX_REFUSED_SHOWN:
            error = result["errors"][0]
            self.counts.refused.append(f"{event.counted_as} {result['id']}: {error['field']} {error['message']}")
