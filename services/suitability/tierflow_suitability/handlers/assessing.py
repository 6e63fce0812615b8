"""The customer answers the questionnaire, and confirms a changed level. Nobody answers for the customer."""

from collections.abc import Mapping

from tierflow_shared.ids import derived_id
from tierflow_suitability.domain.assessments import Assessment, Limits, check_limits, confirmed, newest
from tierflow_suitability.domain.calendar import business_day
from tierflow_suitability.domain.questionnaire import AnswerError, Questionnaire, score
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.handlers.deciding import reconsider
from tierflow_suitability.ports import Desk, Office


class UnknownCustomerError(LookupError):
    """The bank has not told us about this customer."""


class UnknownAssessmentError(LookupError):
    """The customer has no such assessment."""


def answer(
    desk: Desk, office: Office, customer_id: str, form: tuple[str, str], answers: Mapping[str, str], subject: str
) -> Assessment:
    """Scores the customer's answers and judges again the sales that waited for an assessment.

    Raises:
        UnknownCustomerError: nobody has told us about the customer.
        AnswerError: the questionnaire does not exist, or the answers do not fit it.
        LimitReachedError: the customer has been assessed too often.
    """
    if desk.customer(customer_id).profile is None:
        raise UnknownCustomerError(customer_id)
    questionnaire = _questionnaire(office, form)
    at, on = desk.now, business_day(desk.now, office.zone)
    earlier = desk.assessments(customer_id)
    check_limits(earlier, on, Limits(*office.rulebook.assessment_limits(on)))
    last = newest(earlier, at)
    scored = score(questionnaire, answers)
    assessment = Assessment(
        assessment_id=derived_id("assessment", customer_id, len(earlier) + 1),
        customer_id=customer_id,
        number=len(earlier) + 1,
        questionnaire=questionnaire.name,
        version=questionnaire.version,
        questionnaire_hash=questionnaire.hash,
        answers=dict(answers),
        points=scored.points,
        level=scored.level,
        previous_level=last.level if last is not None else None,
        answered_at=at,
        answered_on=on,
        declared_assets=scored.declared_assets,
        horizon_days=scored.horizon_days,
    )
    desk.keep_assessment(assessment)
    desk.record(AuditEntry("assessment-answered", at, subject, assessment=assessment))
    reconsider(desk, office, customer_id, at, subject)
    return assessment


def confirm_level(desk: Desk, office: Office, customer_id: str, assessment_id: str, subject: str) -> Assessment:
    """The customer confirms a changed level; doing it again changes nothing.

    Raises:
        UnknownAssessmentError: the customer has no such assessment.
    """
    found = [one for one in desk.assessments(customer_id) if one.assessment_id == assessment_id]
    if not found:
        raise UnknownAssessmentError(assessment_id)
    assessment = confirmed(found[0], desk.now)
    if assessment is not found[0]:
        desk.keep_assessment(assessment)
        desk.record(AuditEntry("assessment-confirmed", desk.now, subject, assessment=assessment))
        reconsider(desk, office, customer_id, desk.now, subject)
    return assessment


def _questionnaire(office: Office, form: tuple[str, str]) -> Questionnaire:
    found = office.questionnaires.get(form)
    if found is None:
        raise AnswerError("body.questionnaire", "known", "there is no such questionnaire")
    return found
