"""The handler that the stream calls: records in, everything that follows from them in one transaction."""

from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from tierflow_scoring.consumers.booking_columns import BookingColumnReader
from tierflow_scoring.consumers.facts import FactReader
from tierflow_scoring.consumers.reading import TYPES, RecordReader
from tierflow_scoring.consumers.transactions import TransactionReader
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.commands import Bookings, Command
from tierflow_scoring.handlers.partition import PartitionHandler
from tierflow_scoring.handlers.state import MemoryLimits
from tierflow_scoring.handlers.work import Work
from tierflow_scoring.ports import Repository
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.money import Rates
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.stream.events import RefusedError
from tierflow_shared.stream.handlers import Outcome


class ScoringHandler:
    """`BatchHandler` and `ReadsAhead` over the assigned partitions of the bank's events."""

    def __init__(
        self,
        policies: PolicySet,
        rates: Rates,
        settings: ScoringSettings,
        repositories: Callable[[Connection], Repository],
        metrics: ServiceMetrics | None = None,
    ) -> None:
        self._policies, self._rates, self._settings = policies, rates, settings
        self._repositories, self._metrics = repositories, metrics
        days = {"earliest_day": settings.earliest_booking_day, "days_ahead": settings.booking_days_ahead}
        transactions = TransactionReader(rates, policies.tariffs, **days)
        bookings = BookingColumnReader(transactions, policies.tariffs, rates.base, **days)
        self._reader = RecordReader(bookings, FactReader(transactions))
        self._partitions: dict[int, PartitionHandler] = {}

    @property
    def types(self) -> frozenset[str] | None:
        return TYPES

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        for _, partition in partitions:
            self._load(connection, partition)

    def _load(self, connection: Connection, partition: int) -> None:
        limits = MemoryLimits(self._settings.bucket_cache_limit, self._settings.recent_money_limit)
        handler = PartitionHandler(partition, self._policies, self._rates.base, limits)
        handler.load(self._repositories(connection))
        self._partitions[partition] = handler

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self._reader.forget()
        for _, partition in partitions:
            self._partitions.pop(partition, None)

    def rolled_back(self, connection: Connection) -> None:
        self._reader.forget()
        for partition in list(self._partitions):
            self._load(connection, partition)

    def read_ahead(self, records: Sequence[Record]) -> None:
        self._reader.read_ahead(records)

    def process(self, uow: UnitOfWork, records: Sequence[Record]) -> None:
        work = Work(uow, self._repositories(uow.connection), self._settings.closing_portion)
        commands = self._read(uow, records)
        for partition, some in commands.items():
            handler = self._partitions[partition]
            handler.prepare(work, some)
            self._apply(work, handler, some)
            handler.finish(work)
        uow.after_commit(lambda: _measure(self._metrics, work))

    def unfinished(self) -> Sequence[TopicPartition]:
        found = (partition for partition, handler in list(self._partitions.items()) if handler.is_closing)
        return [TopicPartition(BANK_EVENTS, partition) for partition in found]

    def continue_unfinished(self, uow: UnitOfWork, partitions: Sequence[TopicPartition]) -> None:
        work = Work(uow, self._repositories(uow.connection), self._settings.closing_portion)
        for _, partition in partitions:
            self._partitions[partition].close_next(work)
        uow.after_commit(lambda: _measure(self._metrics, work))

    def _read(self, uow: UnitOfWork, records: Sequence[Record]) -> dict[int, list[Command]]:
        """Commands by partition, in log order; what cannot be understood is a dead letter."""
        commands: dict[int, list[Command]] = {}
        for portion in self._reader.read(records):
            for partition, some in portion.commands.items():
                commands.setdefault(partition, []).extend(some)
            for record, refusal in portion.refused:
                uow.dead_letter(record, refusal.reason, refusal.detail)
        return commands

    def _apply(self, work: Work, handler: PartitionHandler, commands: Sequence[Command]) -> None:
        counts: Counter[tuple[str, Outcome]] = Counter()
        for command in commands:
            if isinstance(command, Bookings):
                counts += handler.book(work, command)
                continue
            try:
                outcome = handler.apply(work, command)
            except RefusedError as refusal:
                work.uow.dead_letter(command.record, refusal.reason, refusal.detail)
            else:
                counts[command.record.type, outcome] += 1
        for (event_type, became), count in counts.items():
            work.uow.count(event_type, became, count)


def _measure(metrics: ServiceMetrics | None, work: Work) -> None:
    if metrics is not None:
        for (name, labels), count in work.tally.items():
            metrics.add(name, *labels, amount=count)
