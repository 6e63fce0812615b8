"""Questionnaires and assessments. Only the customer answers: never staff, never a prompt (order 7, article 13)."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tierflow_shared.store.unit_of_work import UnitOfWork
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.idempotency import Answer, IdempotentCall, idempotent_call
from tierflow_shared.web.models import PathId
from tierflow_shared.web.problems import Problem, invalid, not_found
from tierflow_shared.web.routing import service_router
from tierflow_suitability.api.context import Context
from tierflow_suitability.api.examples import ANSWERS_EXAMPLES
from tierflow_suitability.api.models import AnswersBody, AssessmentOut, AssessmentsOut
from tierflow_suitability.domain.assessments import Assessment, LimitReachedError
from tierflow_suitability.domain.calendar import last_day_of_period
from tierflow_suitability.domain.questionnaire import AnswerError
from tierflow_suitability.handlers.assessing import (
    UnknownAssessmentError,
    UnknownCustomerError,
    answer,
    confirm_level,
)
from tierflow_suitability.ports import Needed


def assessments_router(context: Context) -> APIRouter:
    """The customer's own view of its risk tolerance."""
    router = service_router("/suitability/v1", ["assessments"])

    @router.post("/customers/{customer_id}/assessments", status_code=201, response_model=AssessmentOut)
    async def answer_questionnaire(
        customer_id: PathId,
        body: Annotated[AnswersBody, ANSWERS_EXAMPLES],
        principal: Annotated[Principal, requires("assessments:write", customers=True)],
        call: Annotated[IdempotentCall, Depends(idempotent_call)],
    ) -> Response:
        """Takes the customer's answers and computes the level C1 to C5.

        At most 2 a day and 8 in 12 months. A level that differs from the last one must be confirmed by the customer.
        """
        _require_the_customer(principal, customer_id)

        def action(uow: UnitOfWork) -> Answer:
            return Answer(201, _answered(context, uow, customer_id, body, principal))

        return await context.read(lambda: context.idempotency.run(call, principal, action))

    @router.post("/customers/{customer_id}/assessments/{assessment_id}/confirmation")
    async def confirm_assessment(
        customer_id: PathId,
        assessment_id: PathId,
        principal: Annotated[Principal, requires("assessments:write", customers=True)],
    ) -> AssessmentOut:
        """The customer confirms a changed level; only then does it count for sales."""
        _require_the_customer(principal, customer_id)
        try:
            confirmed = await context.write(
                _needed(customer_id),
                lambda desk: confirm_level(desk, context.office, customer_id, assessment_id, principal.subject),
            )
        except UnknownAssessmentError:
            raise not_found("assessment") from None
        return _document(context, confirmed)

    @router.get("/customers/{customer_id}/assessments")
    async def list_assessments(
        customer_id: PathId, principal: Annotated[Principal, requires("assessments:read", customers=True)]
    ) -> AssessmentsOut:
        """All assessments of a customer, newest first."""
        if principal.customer not in (None, customer_id):
            raise not_found("customer")
        found = await context.read(lambda: context.queries.assessments(customer_id))
        if not found:
            raise not_found("customer")
        return AssessmentsOut(items=[_document(context, one) for one in found])

    return router


def _needed(customer_id: str) -> Needed:
    return Needed(customers=frozenset({customer_id}), open_sales_of=frozenset({customer_id}))


def _require_the_customer(principal: Principal, customer_id: str) -> None:
    """The token must stand for this customer. Another customer's id looks like one that does not exist."""
    if customer_id in (principal.customer, principal.subject):
        return
    if principal.customer is not None:
        raise not_found("customer")
    detail = "only the customer answers a questionnaire; staff cannot do it for the customer"
    raise Problem(403, "only-the-customer", "Not allowed", detail, field="caller", rule="cn-nfra article 13")


def _answered(
    context: Context, uow: UnitOfWork, customer_id: str, body: AnswersBody, principal: Principal
) -> AssessmentOut:
    desk = context.desks.open(uow, _needed(customer_id))
    form = (body.questionnaire, body.version)
    try:
        assessment = answer(desk, context.office, customer_id, form, body.answers, principal.subject)
    except UnknownCustomerError:
        raise not_found("customer") from None
    except AnswerError as error:
        raise invalid(error.field, error.rule, error.detail) from None
    except LimitReachedError as error:
        raise Problem(
            409, "assessment-limit", "Assessed too often", error.detail,
            field="customer", rule=error.rule, extra={"again_on": error.again_on.isoformat()},
        ) from None  # fmt: skip
    desk.flush()
    return _document(context, assessment)


def _document(context: Context, assessment: Assessment) -> AssessmentOut:
    months = context.office.rulebook.validity_months(assessment.answered_on)
    return AssessmentOut(
        assessment_id=assessment.assessment_id,
        customer_id=assessment.customer_id,
        questionnaire=assessment.questionnaire,
        version=assessment.version,
        answers=dict(assessment.answers),
        points=assessment.points,
        level=assessment.level,
        previous_level=assessment.previous_level,
        confirmed=assessment.confirmed,
        answered_at=assessment.answered_at,
        valid_until=last_day_of_period(assessment.answered_on, months),
    )
