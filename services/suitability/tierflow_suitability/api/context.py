"""What the routes of this service share, and the one place that turns domain errors into problems."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.exc import OperationalError

from tierflow_shared.clock import Clock
from tierflow_shared.group_commit import GroupCommitter
from tierflow_shared.privacy.vault import ErasedError, Vault
from tierflow_shared.store.database import Database
from tierflow_shared.web.auth import Principal
from tierflow_shared.web.idempotency import Idempotency
from tierflow_shared.web.problems import Problem, conflict, forbidden, invalid, not_found, unavailable
from tierflow_suitability.domain.sales import Sale, SaleError
from tierflow_suitability.handlers.requests import SaleOrder, Taken
from tierflow_suitability.handlers.steps import Actor
from tierflow_suitability.handlers.transactions import Desks
from tierflow_suitability.ports import Desk, Needed, Office, Queries
from tierflow_suitability.settings import SuitabilitySettings

Result = TypeVar("Result")
REASON: Final = "suitability/approval-reason"
ERASED: Final = "(erased)"
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {"evidence-in-future": ("body.recorded_at", "not-in-future")}


@dataclass(frozen=True, slots=True)
class Context:
    """The service, as its routes see it."""

    settings: SuitabilitySettings
    clock: Clock
    office: Office
    database: Database
    desks: Desks
    queries: Queries
    idempotency: Idempotency
    overloaded: Callable[[], bool]
    vault: Vault

    async def read(self, query: Callable[[], Result]) -> Result:
        """Runs a query in a thread.

        Raises:
            Problem: 503, the database does not answer.
        """
        try:
            return await asyncio.to_thread(query)
        except OperationalError as error:
            raise self.failure(error) from None

    @staticmethod
    def failure(error: Exception) -> Exception:
        """What the caller is told of a failure: a database that is down is not the caller's fault."""
        if isinstance(error, OperationalError):
            return unavailable("the database does not answer; nothing was changed")
        return error

    async def seal_reason(self, sale_id: str, reason: str) -> str:
        """A person's reason about a sale, under the key of its customer."""
        return await self.read(lambda: self._sealed(sale_id, reason))

    def _sealed(self, sale_id: str, reason: str) -> str:
        found = self.queries.sale(sale_id)
        if found is None:
            return ""  # the step that follows says that there is no such sale
        try:
            return self.vault.seal_text(found[0].request.customer_id, REASON, reason)
        except ErasedError:
            raise conflict("this person was erased; no text is taken", code="erased", field="body.reason") from None

    async def reasons(self, sale: Sale) -> list[str]:
        """The reasons of a sale's approvals, in the clear."""
        texts = [(sale.request.customer_id, one.reason) for one in sale.approvals]
        if not texts:
            return []
        return [text or ERASED for text in await self.read(lambda: self.vault.open_texts(REASON, texts))]

    async def write(self, needed: Needed, step: Callable[[Desk], Result]) -> Result:
        """Runs a use case in a transaction of its own."""
        return await self.read(lambda: self._write(needed, step))

    def _write(self, needed: Needed, step: Callable[[Desk], Result]) -> Result:
        with self.database.writing() as uow:
            desk = self.desks.open(uow, needed)
            result = step(desk)
            desk.flush()
        return result


Committer = GroupCommitter[SaleOrder, Taken | Exception]


def actor_of(principal: Principal) -> Actor:
    """The caller as the use cases see it: a customer's token sees that customer's sales alone."""
    return Actor(principal.subject, principal.customer)


def sale_problem(error: SaleError) -> Problem:
    """The problem that tells of a refused step."""
    if error.code == "not-found":
        return not_found("sale")
    if error.code == "four-eyes":
        return forbidden(error.detail, rule="four-eyes")
    if error.code in _FIELDS:
        field, rule = _FIELDS[error.code]
        return invalid(field, rule, error.detail)
    return conflict(error.detail, code=error.code)
