"""Sale requests over HTTP: those that arrive together are decided in one transaction."""

from collections.abc import Sequence

import structlog

from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import UNAVAILABLE
from tierflow_suitability.handlers.requests import SaleOrder, Taken, decide_sales
from tierflow_suitability.handlers.transactions import Desks
from tierflow_suitability.ports import Needed, Office

_log = structlog.get_logger("tierflow.suitability")


class SaleIntake:
    """Decides a group of orders and makes it durable. Blocking: runs in the committer's thread."""

    def __init__(self, database: Database, desks: Desks, office: Office) -> None:
        self._database, self._desks, self._office = database, desks, office

    def commit(self, orders: Sequence[SaleOrder]) -> list[Taken | Exception]:
        """One result per order. If the group fails, each order is tried alone, so that one cannot hurt the others."""
        try:
            return [*self._commit(orders)]
        except Exception as error:
            if len(orders) == 1 or isinstance(error, UNAVAILABLE):
                return [error] * len(orders)
            _log.warning("group failed, trying one by one", orders=len(orders), error=type(error).__name__)
            return [self.commit([order])[0] for order in orders]

    def _commit(self, orders: Sequence[SaleOrder]) -> list[Taken]:
        needed = Needed(
            customers=frozenset(order.request.customer_id for order in orders),
            sales=frozenset(order.request.sale_id for order in orders),
        )
        with self._database.writing() as uow:
            desk = self._desks.open(uow, needed)
            taken = decide_sales(desk, self._office, orders)
            desk.flush()
        return taken
