"""What happens to a sale after its request: evidence, approvals, confirmation, cancellation."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import Context, actor_of, sale_problem
from tierflow_suitability.api.examples import APPROVAL_EXAMPLES, CONFIRMATION_EXAMPLES, EVIDENCE_EXAMPLES
from tierflow_suitability.api.models import ApprovalBody, ConfirmBody, EvidenceBody, SaleOut
from tierflow_suitability.api.views import json_response, sale_document
from tierflow_suitability.domain.sales import SaleError
from tierflow_suitability.handlers.steps import (
    Action,
    Actor,
    Step,
    approve,
    confirm,
    decline,
    submit_evidence,
    take_step,
    withdraw,
)
from tierflow_suitability.ports import Desk, Needed


def steps_router(context: Context) -> APIRouter:
    """Each step answers with the sale as it stands afterwards. Sending a step again changes nothing."""
    router = service_router("/suitability/v1", ["sales"])

    @router.post("/sales/{sale_id}/evidence", response_model=SaleOut)
    async def add_evidence(
        sale_id: PathId,
        body: Annotated[EvidenceBody, EVIDENCE_EXAMPLES],
        principal: Annotated[Principal, requires("sales:write", customers=True)],
    ) -> Response:
        """Adds a document to a sale and decides it again."""
        actor, document = actor_of(principal), body.contract()
        return await _step(
            context,
            "document sale",
            sale_id,
            actor,
            lambda desk: submit_evidence(desk, context.office, document, actor),
        )

    @router.post("/sales/{sale_id}/approvals", response_model=SaleOut)
    async def add_approval(
        sale_id: PathId,
        body: Annotated[ApprovalBody, APPROVAL_EXAMPLES],
        principal: Annotated[Principal, requires("sales:approve")],
    ) -> Response:
        """A second person approves or declines what the present decision refers to a person.

        The caller must not have requested, sold or documented the sale, and must not be the customer.
        """
        return await _verdict(context, sale_id, body, actor_of(principal))

    @router.post("/sales/{sale_id}/confirm", response_model=SaleOut)
    async def confirm_sale(
        sale_id: PathId,
        body: Annotated[ConfirmBody, CONFIRMATION_EXAMPLES],
        principal: Annotated[Principal, requires("sales:write", customers=True)],
    ) -> Response:
        """Confirms an approved sale. All rules are asked again for this day; if one objects, the sale stays open."""
        actor = actor_of(principal)
        return await _step(
            context, "confirm sale", sale_id, actor, lambda desk: confirm(desk, context.office, body.decision_id, actor)
        )

    @router.post("/sales/{sale_id}/cancel", response_model=SaleOut)
    async def cancel_sale(
        sale_id: PathId, principal: Annotated[Principal, requires("sales:write", customers=True)]
    ) -> Response:
        """Withdraws a sale that is not confirmed."""
        actor = actor_of(principal)
        return await _step(context, "withdraw sale", sale_id, actor, lambda desk: withdraw(desk, actor))

    return router


async def _verdict(context: Context, sale_id: str, body: ApprovalBody, actor: Actor) -> Response:
    reason = await context.seal_reason(sale_id, body.reason)
    if body.verdict == "decline":
        return await _step(
            context,
            "decline sale",
            sale_id,
            actor,
            lambda desk: decline(desk, body.decision_id, reason, actor),
            privileged="sale.decline",
        )
    return await _step(
        context,
        "approve sale",
        sale_id,
        actor,
        lambda desk: approve(desk, context.office, body.decision_id, reason, actor),
        privileged="sale.approve",
    )


async def _step(
    context: Context,
    name: str,
    sale_id: str,
    actor: Actor,
    action_on: Callable[[Desk], Action],
    *,
    privileged: str = "",
) -> Response:
    """Takes a step in a transaction of its own; a refusal is told after what had to change anyway is durable.

    A `privileged` step, also a refused one, is written down for auditors.
    """

    def step(desk: Desk) -> Step:
        taken = take_step(desk, context.office, sale_id, actor, action_on(desk))
        if privileged and taken.sale is not None:
            desk.note(actor.subject, privileged, sale_id, taken.error.code if taken.error else "done")
        return taken

    taken = await context.write(Needed(sales=frozenset({sale_id})), step)
    if taken.error is not None or taken.sale is None:
        raise sale_problem(taken.error or SaleError("not-found", "no such sale"))
    sale = taken.sale
    context.trace(name, sale.traceparent)
    decision = await context.read(lambda: context.queries.current_decision(sale))
    return json_response(sale_document(sale, decision, await context.reasons(sale)))
