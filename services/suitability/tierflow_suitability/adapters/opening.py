"""Opens the working set of a transaction. Implements `handlers.transactions.Desks`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_suitability.adapters.desk import SqlDesk
from tierflow_suitability.adapters.persons import PersonVault
from tierflow_suitability.adapters.references import ReferenceCache
from tierflow_suitability.adapters.seen import SqlSeenEvents
from tierflow_suitability.adapters.statements import Statements
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.ports import Needed


@dataclass(frozen=True, slots=True)
class DeskOpener:
    """What all working sets of a process share."""

    tables: Tables
    statements: Statements
    cache: ReferenceCache
    metrics: ServiceMetrics
    vault: PersonVault | None

    @staticmethod
    def of(tables: Tables, metrics: ServiceMetrics, vault: PersonVault | None = None) -> "DeskOpener":
        return DeskOpener(tables, Statements.of(tables), ReferenceCache(), metrics, vault)

    def open(self, uow: UnitOfWork, needed: Needed) -> SqlDesk:
        """A working set with everything that is needed; `flush` it before the commit."""
        return SqlDesk(uow, self.tables, self.statements, self.cache, self.metrics, needed, self.vault)

    def seen(self, uow: UnitOfWork, identities: Sequence[bytes]) -> SqlSeenEvents:
        """What is known of these events."""
        return SqlSeenEvents(uow, self.tables.seen, identities)
