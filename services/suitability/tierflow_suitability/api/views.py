"""Documents of the answers, ready to be written as JSON. Their shapes are those of `api.models`."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tierflow_shared.contracts.bank import Evidence
from tierflow_suitability.domain.findings import Finding
from tierflow_suitability.domain.records import DecisionRecord
from tierflow_suitability.domain.sales import Sale

_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = "application/json"


def json_response(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer without a second pass over its document."""
    return Response(_encode(document), status, headers, _JSON)


def sale_summary(sale: Sale) -> dict[str, Any]:
    request = sale.request
    return {
        "sale_id": request.sale_id,
        "state": sale.state,
        "customer_id": request.customer_id,
        "product_id": request.product_id,
        "amount": request.amount,
        "requested_at": request.requested_at,
        "requested_by": sale.requested_by,
        "initiated_by": request.initiated_by,
        "channel": request.channel,
        "staff_id": request.staff_id,
        "expires_on": sale.expires_on,
        "outcome": sale.outcome,
        "needs": sale.needs,
        "waiting_for": sale.waiting_for if sale.state == "requested" else (),
        "closed_reason": sale.closed_reason,
        "closed_at": sale.closed_at,
        "closed_by": sale.closed_by,
        "decision_id": sale.decision_id,
    }


def sale_document(sale: Sale, record: DecisionRecord | None, reasons: Sequence[str] = ()) -> dict[str, Any]:
    """A sale with all that belongs to it; `reasons` of its approvals in the clear."""
    evidence = [_evidence(document, sale.requested_by) for document in sale.request.evidence]
    evidence += [_evidence(item.document, item.by) for item in sale.submitted]
    return {
        **sale_summary(sale),
        "evidence": evidence,
        "approvals": [
            {
                "subject": one.subject,
                "at": one.at,
                "reason": reason,
                "decision_id": one.decision_id,
                "rules": sorted(one.covers),
            }
            for one, reason in zip(sale.approvals, reasons, strict=True)
        ],
        "decision": decision_document(record) if record is not None else None,
    }


def _evidence(document: Evidence, by: str) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "reference": document.reference,
        "recorded_at": document.recorded_at,
        "submitted_by": by,
    }


def decision_document(record: DecisionRecord) -> dict[str, Any]:
    """A decision with every finding."""
    return {
        "decision_id": record.decision_id,
        "sale_id": record.sale_id,
        "outcome": record.decision.outcome,
        "decided_at": record.case.at,
        "on": record.decision.on,
        "trigger": record.trigger,
        "packs": record.decision.packs,
        "findings": findings_document(record.decision.findings),
    }


def findings_document(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings with the names of their fields."""
    return [
        {
            "rule_id": rule_id,
            "article": article,
            "verdict": verdict,
            "message": message,
            "inputs": inputs,
            "needs": needs,
        }
        for rule_id, article, verdict, message, inputs, needs in findings
    ]
