"""Which rules and questions are in use, in both languages."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.routing import service_router
from tierflow_suitability.domain.packs import Pack
from tierflow_suitability.domain.questionnaire import Questionnaire
from tierflow_suitability.ports import Office


class RuleOut(BaseModel):
    """One rule of a pack."""

    rule_id: str
    article: str
    title: str
    title_zh: str


class PackDetails(BaseModel):
    """One version of a pack with its rules and numbers."""

    pack: str
    version: str
    hash: str
    title: str
    title_zh: str
    source: str
    effective_from: date
    effective_until: date | None
    apply_from: date
    categories: list[str]
    parameters: dict[str, int | bool | str | list[str]]
    rules: list[RuleOut]


class PacksOut(BaseModel):
    """All packs of this bank."""

    items: list[PackDetails]


class OptionOut(BaseModel):
    """One possible answer."""

    option_id: str
    text: str
    text_zh: str


class QuestionOut(BaseModel):
    """One question; exactly one option answers it."""

    question_id: str
    text: str
    text_zh: str
    options: list[OptionOut]


class QuestionnaireOut(BaseModel):
    """One version of a questionnaire. Points stay with the bank."""

    questionnaire: str
    version: str
    title: str
    title_zh: str
    questions: list[QuestionOut]


class QuestionnairesOut(BaseModel):
    """All questionnaires of this bank."""

    items: list[QuestionnaireOut]


def policies_router(office: Office) -> APIRouter:
    """Packs for compliance, questionnaires for those who show them to customers."""
    router = service_router("/suitability/v1", ["policies"])

    @router.get("/packs")
    async def list_packs(
        principal: Annotated[Principal, requires("decisions:read", customers=True, rms=True)],  # noqa: ARG001
    ) -> PacksOut:
        """Every version of every rule pack, with articles, numbers and hash."""
        return PacksOut(items=[_pack(pack) for pack in office.rulebook.packs])

    @router.get("/questionnaires")
    async def list_questionnaires(
        principal: Annotated[Principal, requires("assessments:read", customers=True, rms=True)],  # noqa: ARG001
    ) -> QuestionnairesOut:
        """Every version of every questionnaire, to be shown to a customer."""
        return QuestionnairesOut(items=[_questionnaire(one) for _, one in sorted(office.questionnaires.items())])

    return router


def _pack(pack: Pack) -> PackDetails:
    parameters = {
        name: list(value) if isinstance(value, tuple) else value for name, value in pack.parameters.values.items()
    }
    return PackDetails(
        pack=pack.ref.pack,
        version=pack.ref.version,
        hash=pack.ref.hash,
        title=pack.title,
        title_zh=pack.title_zh,
        source=pack.source,
        effective_from=pack.effective_from,
        effective_until=pack.effective_until,
        apply_from=pack.apply_from,
        categories=sorted(pack.categories),
        parameters=parameters,
        rules=[
            RuleOut(rule_id=rule.rule_id, article=rule.article, title=rule.title, title_zh=rule.title_zh)
            for rule in pack.rules
        ],
    )


def _questionnaire(one: Questionnaire) -> QuestionnaireOut:
    return QuestionnaireOut(
        questionnaire=one.name,
        version=one.version,
        title=one.title,
        title_zh=one.title_zh,
        questions=[
            QuestionOut(
                question_id=question.question_id,
                text=question.text,
                text_zh=question.text_zh,
                options=[
                    OptionOut(option_id=option.option_id, text=option.text, text_zh=option.text_zh)
                    for option in question.options.values()
                ],
            )
            for question in one.questions
        ],
    )
