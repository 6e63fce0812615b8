"""One partition: takes commands in log order and keeps columns, buckets and paths in step with the database.

When a record shows a later day, the days before it are closed at that place in the log, not at the end of a
poll: publications never depend on batches. A late event corrects the stored history at the end of the batch;
what follows from it is published with the next close.
"""

from collections.abc import Sequence

from tierflow_scoring.domain.facts import Facts
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers import portions
from tierflow_scoring.handlers.booking import Outcomes, book
from tierflow_scoring.handlers.closing import advance, settle
from tierflow_scoring.handlers.commands import Bookings, Command, DateAdvanced, FactUpdate, ValuationUpdate
from tierflow_scoring.handlers.correction import load
from tierflow_scoring.handlers.intake import learn, value
from tierflow_scoring.handlers.state import MemoryLimits, new_state
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import Repository
from tierflow_shared.stream.handlers import Outcome


class PartitionHandler:
    """State of one partition in memory, and what commands do to it."""

    def __init__(self, partition: int, policies: PolicySet, currency: str, limits: MemoryLimits) -> None:
        self._state = new_state(partition, policies, currency, limits)

    def load(self, repository: Repository) -> None:
        """Fills the empty state from the database."""
        load(self._state, repository)

    @property
    def is_closing(self) -> bool:
        """True while days that are over are not yet written for everybody."""
        return self._state.closing is not None

    def prepare(self, work: Work, commands: Sequence[Command]) -> None:
        """Reads at once what the commands of a batch will touch."""
        state, repository = self._state, work.repository
        runs = [command for command in commands if isinstance(command, Bookings)]
        state.buckets.prefetch(repository, ((run.keys, run.days) for run in runs))
        named = {command.customer_id for command in commands if isinstance(command, FactUpdate)}
        known = [name for name in named if name in state.book.slot_of]
        state.facts = {**{name: Facts() for name in known}, **repository.facts(known)}
        valued = {command.customer_id for command in commands if isinstance(command, ValuationUpdate)}
        state.valuations = repository.valuations(sorted(name for name in valued if name in state.book.slot_of))
        is_opening = state.closing is not None and state.closing.is_opening
        if is_opening or state.book.open_day is None:
            state.named = frozenset({*named, *valued, *(key[1] for run in runs for key in run.keys)})
        if is_opening:
            slots = (state.book.slot_of.get(name) for name in state.named)
            portions.close_first(state, work, [slot for slot in slots if slot is not None])

    def book(self, work: Work, bookings: Bookings) -> Outcomes:
        """A run of bookings; says what became of them."""
        return book(self._state, work, bookings)

    def apply(self, work: Work, command: FactUpdate | ValuationUpdate | DateAdvanced) -> Outcome:
        """One command.

        Raises:
            RefusedError: it can never be taken; nothing of it took effect.
        """
        state = self._state
        if isinstance(command, FactUpdate):
            return learn(state, work, command)
        if isinstance(command, DateAdvanced):
            advance(state, work, command.day, command.record)
            return "applied"
        return value(state, command)

    def close_next(self, work: Work) -> None:
        """Closes days for some more customers."""
        portions.close_next(self._state, work)

    def finish(self, work: Work) -> None:
        """Ends a batch: everything is in the transaction."""
        settle(self._state, work)
        if self._state.book.open_day is not None:
            self._state.buckets.trim(self._state.book.open_day)
