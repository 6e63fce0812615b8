"""One transaction's surroundings: the repository, the outbox, and when things become known."""

from collections import Counter
from dataclasses import dataclass, field

from tierflow_scoring.handlers.commands import SERVICE
from tierflow_scoring.ports import Known, Repository
from tierflow_shared.bus.port import Record
from tierflow_shared.contracts.outcomes import TierChanged, TierPending
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.events import caused_id


@dataclass(slots=True)
class Work:
    """What handlers need while a batch is processed.

    `customers_left`: for so many more customers days may be closed in this transaction without need.
    """

    uow: UnitOfWork
    repository: Repository
    customers_left: int = 0
    tally: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    _said: dict[tuple[int, int], int] = field(default_factory=dict)

    def emit(self, cause: Record, data: Data, name: str | None = None) -> None:
        """Publishes with an id that follows from the record that caused it and how much it caused before.

        A `name` takes the place of the number where one record causes messages in several transactions.
        """
        place = (cause.partition, cause.offset)
        n = self._said.get(place, 0)
        if name is None:
            self._said[place] = n + 1
        event_id = caused_id(SERVICE, cause, n if name is None else name)
        self.uow.emit(data, event_id=event_id, traceparent=cause.header("traceparent"))
        if isinstance(data, TierChanged):
            self.tally["tierflow_tier_changes_total", (data.scheme, data.direction)] += 1
        elif isinstance(data, TierPending):
            self.tally["tierflow_tier_pending_total", (data.scheme, data.state)] += 1

    def known(self, open_day: int) -> Known:
        """Now, on the business day that is open."""
        return Known(int(self.uow.now.timestamp() * 1000), open_day)
