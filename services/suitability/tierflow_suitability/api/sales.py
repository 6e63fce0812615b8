"""Sales: request and look up."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from tierflow_shared.contracts.bank import SaleRequested
from tierflow_shared.group_commit import ClosedError
from tierflow_shared.ids import content_hash, derived_id, new_id
from tierflow_shared.web.auth import Principal, RequiredScope, requires
from tierflow_shared.web.direct import direct_route
from tierflow_shared.web.idempotency import FIELD, IdempotentCall, idempotent_call
from tierflow_shared.web.json_text import json_fault
from tierflow_shared.web.models import Id, PathId
from tierflow_shared.web.pages import PageRequest, cursor_of, page_request
from tierflow_shared.web.problems import Problem, invalid, not_found, unavailable
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import Committer, Context
from tierflow_suitability.api.examples import SALE_EXAMPLES
from tierflow_suitability.api.models import SaleBody, SaleOut, SalesPage
from tierflow_suitability.api.views import json_response, sale_document, sale_summary
from tierflow_suitability.domain.sales import SaleState
from tierflow_suitability.handlers.requests import SaleOrder, Taken

# The pattern of `idempotent_call`, and the scope that the route declares.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_MAY_WRITE: Final = RequiredScope("sales:write", customers=True)
_NO_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_REPLAYED: Final = {"Idempotency-Replayed": "true"}


class SaleDoor:
    """Lets sale requests in: bounded, grouped, each answered once it is durable."""

    def __init__(self, context: Context, committer: Committer) -> None:
        self._context, self._committer = context, committer
        self._waiting = 0

    async def serve(self, body: SaleBody, principal: Principal, key: str | None) -> Response:
        """Takes a request and answers with the sale and its decision.

        Raises:
            Problem: the caller may not do this, the key was used with another request, or nothing can be taken now.
        """
        taken = await self.take(_order(body, principal, key, self._context.clock.now()))
        if taken.other_content:
            detail = "this key was used with another request"
            raise Problem(422, "idempotency-key-reused", "Key used before", detail, field=FIELD, rule="same-request")
        document = sale_document(taken.sale, taken.decision)
        return json_response(document, 201, _REPLAYED if taken.repeated else None)

    async def take(self, order: SaleOrder) -> Taken:
        """Waits until the order is decided and durable.

        Raises:
            Problem: 429 too many are waiting; 503 the database does not answer or the service is closing.
        """
        if self._waiting >= self._context.settings.max_waiting_sales or self._context.overloaded():
            detail = "too many sales are waiting; nothing was taken"
            raise Problem(429, "too-busy", "Too busy", detail, headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            result = await self._committer.submit(order)
        except ClosedError:
            raise unavailable("the service is closing; nothing was taken") from None
        finally:
            self._waiting -= 1
        if isinstance(result, Exception):
            raise self._context.failure(result)
        return result


def sales_router(context: Context, door: SaleDoor) -> APIRouter:
    """Requests and look-ups of sales."""
    router = service_router("/suitability/v1", ["sales"])

    async def request_sale(
        body: Annotated[SaleBody, SALE_EXAMPLES],
        principal: Annotated[Principal, requires("sales:write", customers=True)],
        call: Annotated[IdempotentCall, Depends(idempotent_call)],
    ) -> Response:
        """Requests a sale and answers with its decision: every finding, and what is still needed.

        With a product we have not been told about, the sale waits without a decision.
        """
        return await door.serve(body, principal, call.key)

    async def at_once(request: Request) -> Response | None:
        plain = await _read_plainly(request, await request.body())
        return await door.serve(*plain) if plain is not None else None

    router.add_api_route(
        "/sales",
        request_sale,
        methods=["POST"],
        status_code=201,
        response_model=SaleOut,
        route_class_override=direct_route(at_once),
    )

    @router.get("/sales", response_model=SalesPage)
    async def list_sales(
        principal: Annotated[Principal, requires("sales:read", customers=True)],
        page: Annotated[PageRequest, Depends(page_request)],
        customer: Annotated[Id | None, Query(description="only this customer's sales")] = None,
        state: Annotated[SaleState | None, Query(description="only sales in this state")] = None,
    ) -> Response:
        """Sales in order of their ids. A customer's token sees that customer's sales alone."""
        wanted = principal.customer or customer
        if principal.customer is not None and customer not in (None, principal.customer):
            raise not_found("customer")
        after = page.after(str)
        found = await context.read(
            lambda: context.queries.sales(wanted, state, after[0] if after else None, page.limit + 1)
        )
        more = len(found) > page.limit
        shown = found[: page.limit]
        items = [sale_summary(sale) for sale in shown]
        return json_response({"items": items, "next": cursor_of(shown[-1].sale_id) if more else None})

    @router.get("/sales/{sale_id}", response_model=SaleOut)
    async def show_sale(
        sale_id: PathId, principal: Annotated[Principal, requires("sales:read", customers=True)]
    ) -> Response:
        """A sale with its evidence, its approvals and its present decision."""
        found = await context.read(lambda: context.queries.sale(sale_id))
        if found is None or principal.customer not in (None, found[0].request.customer_id):
            raise not_found("sale")
        return json_response(sale_document(*found))

    return router


async def _read_plainly(request: Request, raw: bytes) -> tuple[SaleBody, Principal, str | None] | None:
    """Body, caller and key of a request without anything unusual; None where FastAPI has to have a look."""
    headers, key = request.headers, request.headers.get("idempotency-key")
    if request.scope["query_string"] or headers.get("content-type") != "application/json":
        return None
    if (key is not None and not _KEY.fullmatch(key)) or json_fault(raw, request.app.state.settings.max_json_depth):
        return None
    try:
        principal = await _MAY_WRITE(request)
        return SaleBody.model_validate_json(raw), principal, key
    except (Problem, ValidationError):
        return None


def _order(body: SaleBody, principal: Principal, key: str | None, now: datetime) -> SaleOrder:
    _require_own(body, principal)
    for index, item in enumerate(body.evidence):
        if item.recorded_at > now:
            raise invalid(f"body.evidence.{index}.recorded_at", "not-in-future", "the document is dated in the future")
    request = SaleRequested(
        sale_id=derived_id("sale", principal.subject, key) if key is not None else new_id("sale"),
        customer_id=body.customer_id,
        product_id=body.product_id,
        amount=body.amount.positive_contract(),
        requested_at=now,
        initiated_by=body.initiated_by,
        channel=body.channel,
        staff_id=body.staff_id,
        years_to_pay=body.years_to_pay,
        stated_budget=body.stated_budget.positive_contract() if body.stated_budget else None,
        evidence=tuple([item.contract() for item in body.evidence]),
    )
    content = msgspec.structs.replace(request, sale_id="", requested_at=_NO_TIME)
    return SaleOrder(request, principal.subject, content_hash("sale", msgspec.json.encode(content)).hex())


def _require_own(body: SaleBody, principal: Principal) -> None:
    """A customer's token requests for that customer alone, and on the customer's own initiative."""
    if principal.customer is None:
        return
    if principal.customer != body.customer_id:
        raise not_found("customer")
    if body.initiated_by == "bank":
        raise invalid("body.initiated_by", "caller", "a customer's own request is initiated by the customer")
