"""Decisions, their replay, the audit log, and the digest over all sales."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.models import PathId
from tierflow_shared.web.problems import not_found
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import Context
from tierflow_suitability.api.models import ChainOut, DecisionOut, DigestOut, ReplayOut
from tierflow_suitability.api.views import decision_document, findings_document, json_response
from tierflow_suitability.domain.records import DecisionRecord
from tierflow_suitability.domain.replay import replay


def decisions_router(context: Context) -> APIRouter:
    """For compliance, audit and operations."""
    router = service_router("/suitability/v1", ["decisions"])

    async def find(decision_id: str, principal: Principal) -> DecisionRecord:
        record = await context.read(lambda: context.queries.decision(decision_id))
        if record is None or principal.customer not in (None, record.case.request.customer_id):
            raise not_found("decision")
        return record

    @router.get("/decisions/{decision_id}", response_model=DecisionOut)
    async def show_decision(
        decision_id: PathId, principal: Annotated[Principal, requires("decisions:read", customers=True)]
    ) -> Response:
        """A decision as it was made: every finding with rule, article and inputs, and the packs with their hashes."""
        return json_response(decision_document(await find(decision_id, principal)))

    @router.get("/decisions/{decision_id}/replay", response_model=ReplayOut)
    async def replay_decision(
        decision_id: PathId, principal: Annotated[Principal, requires("decisions:read", customers=True)]
    ) -> Response:
        """Makes the decision again from its stored inputs and packs, and says whether it comes out the same."""
        again = replay(await find(decision_id, principal), context.office.rulebook)
        findings = findings_document(again.decision.findings) if again.decision is not None else None
        return json_response(
            {
                "decision_id": decision_id,
                "identical": again.identical,
                "packs_available": again.packs_available,
                "recomputed": findings,
            }
        )

    @router.get("/decisions-digest")
    async def decisions_digest(principal: Annotated[Principal, requires("operations:read")]) -> DigestOut:  # noqa: ARG001
        """One SHA-256 over all sales (id, outcome, sorted verdicts, state), and how they came out."""
        return DigestOut(**asdict(await context.read(context.queries.digest)))

    @router.get("/audit/verify")
    async def verify_audit(principal: Annotated[Principal, requires("decisions:read")]) -> ChainOut:  # noqa: ARG001
        """Walks the hash chain of the audit log from its first entry to its last."""
        return ChainOut(**asdict(await context.read(context.queries.verify_audit)))

    return router
