"""From records to commands: in the turn of their batch, or ahead of it while another transaction is under way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from tierflow_scoring.consumers.booking_columns import BookingColumnReader
from tierflow_scoring.consumers.facts import FACT_TYPES, FactReader
from tierflow_scoring.handlers.commands import POSTED, REVERSED, Command
from tierflow_shared.bus.port import Record
from tierflow_shared.stream.events import RefusedError

_BOOKINGS: Final = frozenset({POSTED, REVERSED})
TYPES: Final = FACT_TYPES | _BOOKINGS


@dataclass(frozen=True, slots=True)
class Understood:
    """What records say: commands by partition, in log order, and those that cannot be understood."""

    records: Sequence[Record]
    commands: dict[int, list[Command]] = field(default_factory=dict)
    refused: list[tuple[Record, RefusedError]] = field(default_factory=list)


class RecordReader:
    """Reads records. What was read ahead is used once, if the very same records come in the same order."""

    def __init__(self, bookings: BookingColumnReader, facts: FactReader) -> None:
        self._bookings, self._facts = bookings, facts
        self._ahead: dict[int, Understood] = {}  # by the identity of the first record, which it keeps alive

    def read_ahead(self, records: Sequence[Record]) -> None:
        """Reads records whose turn may come next. Other threads may be reading at the same time."""
        if records:
            self._ahead[id(records[0])] = self._understood(records)

    def forget(self) -> None:
        """Their turn may never come."""
        self._ahead.clear()

    def read(self, records: Sequence[Record]) -> Iterator[Understood]:
        """Everything that these records say, in portions that follow each other."""
        start = first = 0
        while start < len(records):
            portion = self._ahead.get(id(records[start]))
            end = start + len(portion.records) if portion else start
            if portion is None or end > len(records) or portion.records[-1] is not records[end - 1]:
                start = start + 1 if self._ahead else len(records)
                continue
            if first < start:
                yield self._understood(records[first:start])
            self._used(portion)
            yield portion
            start = first = end
        if first < len(records):
            yield self._understood(records[first:])

    def _used(self, portion: Understood) -> None:
        """Forgets it, and those before it, whose turn has passed."""
        for key in list(self._ahead):
            if self._ahead.pop(key) is portion:
                return

    def _understood(self, records: Sequence[Record]) -> Understood:
        found = Understood(records)
        for (partition, kind), some in groupby(records, _run_of):
            commands = found.commands.setdefault(partition, [])
            if kind == "bookings":
                commands.append(self._bookings.read(list(some), lambda *refused: found.refused.append(refused)))
            elif kind == "facts":
                for record in some:
                    try:
                        commands.append(self._facts.read(record))
                    except RefusedError as refusal:
                        found.refused.append((record, refusal))
        return found


def _run_of(record: Record) -> tuple[int, str]:
    """Records that follow each other and give the same are read together."""
    if record.type in _BOOKINGS:
        return record.partition, "bookings"
    return record.partition, "facts" if record.type in FACT_TYPES else "nothing"
