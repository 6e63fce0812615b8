"""Rules about risk levels and the assessment behind them (order 7 of 2025: articles 12, 13, 22, 29, 38)."""

from collections.abc import Mapping
from typing import Final

from tierflow_suitability.domain.calendar import last_day_of_period
from tierflow_suitability.domain.cases import Case, RiskAssessment
from tierflow_suitability.domain.findings import Answer, blocked, noted, passed, wanting
from tierflow_suitability.domain.rules.base import Check, Parameters


def is_professional(case: Case) -> bool:
    """Institutions are professional investors: nobody protects them from their own risk level (article 27)."""
    return case.customer.kind == "institution"


def _before_the_sale(case: Case) -> RiskAssessment | None:
    assessment = case.customer.assessment
    return assessment if assessment is not None and assessment.answered_at <= case.at else None


def level_match(case: Case, parameters: Parameters) -> Answer:
    """A product above the customer's level is not sold, whatever is signed; for insurance there is an exception."""
    if is_professional(case):
        return passed("professional investor", product_level=case.product_level)
    assessment = _before_the_sale(case)
    level = assessment.level if assessment else None
    inputs = {
        "customer_level": level,
        "product_level": case.product_level,
        "issuer_level": case.product.issuer_risk_level,
        "seller_level": case.product.seller_risk_level,
    }
    if level is None:
        return wanting("assessment", "without an assessment the customer's level is not known", **inputs)
    if case.product_level <= level:
        return passed("the product is within the customer's level", **inputs)
    if case.product.category not in parameters.words("exception_categories"):
        return blocked("the product is above the customer's level", **inputs)
    if case.has("risk-warning"):
        return noted("above the customer's level, insisted on after a written warning", **inputs)
    return wanting("risk-warning", "above the customer's level: a signed warning is needed", **inputs)


def assessment_exists(case: Case, _: Parameters) -> Answer:
    """No sale without an assessment of the customer's risk tolerance."""
    if is_professional(case):
        return passed("professional investor")
    assessment = case.customer.assessment
    if assessment is None:
        return wanting("assessment", "the customer has not been assessed", assessment_id=None)
    return passed("the customer has been assessed", assessment_id=assessment.assessment_id)


def assessment_before_sale(case: Case, _: Parameters) -> Answer:
    """The customer is assessed before the sale, not to fit it."""
    assessment = case.customer.assessment
    if is_professional(case) or assessment is None:
        return passed("there is no assessment to compare with")
    inputs = {"answered_at": assessment.answered_at.isoformat(), "at": case.at.isoformat()}
    if assessment.answered_at <= case.at:
        return passed("assessed before the sale", **inputs)
    return wanting("assessment", "the assessment is later than the sale", **inputs)


def assessment_valid(case: Case, parameters: Parameters) -> Answer:
    """An assessment holds for so many months; its last day is the corresponding day."""
    assessment = _before_the_sale(case)
    if is_professional(case) or assessment is None:
        return passed("there is no assessment that could have expired")
    last_day = last_day_of_period(assessment.answered_on, parameters.integer("validity_months"))
    inputs = {
        "answered_on": assessment.answered_on.isoformat(),
        "valid_until": last_day.isoformat(),
        "on": case.on.isoformat(),
    }
    if case.on <= last_day:
        return passed("the assessment is valid", **inputs)
    return wanting("assessment", "the assessment has expired", **inputs)


def level_confirmed(case: Case, _: Parameters) -> Answer:
    """A level that differs from the last one counts once the customer has confirmed the change."""
    assessment = case.customer.assessment
    if is_professional(case) or assessment is None or assessment.confirmed:
        return passed("no changed level waits for the customer")
    return wanting(
        "assessment-confirmation",
        "the customer's level has changed: the customer must confirm it",
        assessment_id=assessment.assessment_id,
        customer_level=assessment.level,
    )


LEVEL_CHECKS: Final[Mapping[str, Check]] = {
    "level-match": Check(level_match, {"exception_categories": tuple}),
    "assessment-exists": Check(assessment_exists, {}),
    "assessment-before-sale": Check(assessment_before_sale, {}),
    "assessment-valid": Check(assessment_valid, {"validity_months": int}),
    "level-confirmed": Check(level_confirmed, {}),
}
