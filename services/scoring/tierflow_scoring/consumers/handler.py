"""The handler that the stream calls: records in, everything that follows from them in one transaction."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from tierflow_scoring.consumers.booking_columns import BookingColumnReader
from tierflow_scoring.consumers.facts import FACT_TYPES, FactReader
from tierflow_scoring.consumers.transactions import TransactionReader
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.handlers.commands import POSTED, REVERSED, Bookings, Command
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

_BOOKINGS: Final = frozenset({POSTED, REVERSED})


class ScoringHandler:
    """`BatchHandler` over the assigned partitions of the bank's events."""

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
        self._bookings = BookingColumnReader(transactions, policies.tariffs, rates.base, **days)
        self._facts = FactReader(transactions)
        self._partitions: dict[int, PartitionHandler] = {}

    @property
    def types(self) -> frozenset[str] | None:
        return FACT_TYPES | _BOOKINGS

    def assigned(self, connection: Connection, partitions: Sequence[TopicPartition]) -> None:
        for _, partition in partitions:
            self._load(connection, partition)

    def _load(self, connection: Connection, partition: int) -> None:
        limits = MemoryLimits(self._settings.bucket_cache_limit, self._settings.recent_money_limit)
        handler = PartitionHandler(partition, self._policies, self._rates.base, limits)
        handler.load(self._repositories(connection))
        self._partitions[partition] = handler

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        for _, partition in partitions:
            self._partitions.pop(partition, None)

    def rolled_back(self, connection: Connection) -> None:
        for partition in list(self._partitions):
            self._load(connection, partition)

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
        for (partition, kind), some in groupby(records, _run_of):
            of_partition = commands.setdefault(partition, [])
            if kind == "bookings":
                of_partition.append(self._bookings.read(list(some), partial(_refuse, uow)))
            elif kind == "facts":
                for record in some:
                    try:
                        of_partition.append(self._facts.read(record))
                    except RefusedError as refusal:
                        _refuse(uow, record, refusal)
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


def _run_of(record: Record) -> tuple[int, str]:
    """Records that follow each other and give the same are read together."""
    if record.type in _BOOKINGS:
        return record.partition, "bookings"
    return record.partition, "facts" if record.type in FACT_TYPES else "nothing"


def _refuse(uow: UnitOfWork, record: Record, refusal: RefusedError) -> None:
    uow.dead_letter(record, refusal.reason, refusal.detail)


def _measure(metrics: ServiceMetrics | None, work: Work) -> None:
    if metrics is not None:
        for (name, labels), count in work.tally.items():
            metrics.add(name, *labels, amount=count)
