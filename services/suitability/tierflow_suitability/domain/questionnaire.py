"""Questionnaires: versioned questions, and a level from C1 to C5 computed from the customer's own answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_suitability.domain.packs import content_hash


class QuestionnaireError(ValueError):
    """A questionnaire file is not what it must be."""


class AnswerError(ValueError):
    """The answers do not fit the questionnaire: which field breaks which rule."""

    def __init__(self, field: str, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.field, self.rule, self.detail = field, rule, detail


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer: its points and what it says about the customer."""

    option_id: str
    text: str
    text_zh: str
    points: int
    highest_level: int = 5
    declared_assets: str | None = None
    horizon_days: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question; exactly one option answers it."""

    question_id: str
    text: str
    text_zh: str
    options: Mapping[str, Option]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version. `level_from_points[n]` is the least number of points for level n + 1."""

    name: str
    version: str
    hash: str
    title: str
    title_zh: str
    currency: str
    level_from_points: tuple[int, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """The result of answering: points, level and what was declared on the way."""

    points: int
    level: int
    declared_assets: PositiveMoney | None
    horizon_days: int | None


def score(questionnaire: Questionnaire, answers: Mapping[str, str]) -> Scored:
    """Adds the points of all answers; the level is capped by the most cautious answer that sets a cap.

    Raises:
        AnswerError: a question is unanswered or unknown, or an option does not exist.
    """
    unknown = sorted(set(answers) - {question.question_id for question in questionnaire.questions})
    if unknown:
        raise AnswerError("body.answers", "known", "an answer belongs to no question of this questionnaire")
    chosen = [_chosen(question, answers) for question in questionnaire.questions]
    points = sum(option.points for option in chosen)
    level = sum(1 for least in questionnaire.level_from_points if points >= least)
    declared = [option.declared_assets for option in chosen if option.declared_assets is not None]
    horizons = [option.horizon_days for option in chosen if option.horizon_days is not None]
    return Scored(
        points=points,
        level=max(1, min(level, *(option.highest_level for option in chosen))),
        declared_assets=PositiveMoney(value=declared[0], currency=questionnaire.currency) if declared else None,
        horizon_days=min(horizons, default=None),
    )


def _chosen(question: Question, answers: Mapping[str, str]) -> Option:
    field = f"body.answers.{question.question_id}"
    answer = answers.get(question.question_id)
    if answer is None:
        raise AnswerError(field, "required", f"the question {question.question_id} is not answered")
    option = question.options.get(answer)
    if option is None:
        raise AnswerError(field, "choice", f"the question {question.question_id} has no such option")
    return option


def parse_questionnaire(content: Mapping[str, Any]) -> Questionnaire:
    """A questionnaire from the content of its file.

    Raises:
        QuestionnaireError: a key is missing or unknown, or the levels do not rise.
    """
    try:
        levels = tuple(int(points) for points in content["level_from_points"])
        questions = tuple(_question(entry) for entry in content["questions"])
        parsed = Questionnaire(
            name=str(content["questionnaire"]),
            version=str(content["version"]),
            hash=content_hash(content),
            title=str(content["title"]),
            title_zh=str(content["title_zh"]),
            currency=str(content["currency"]),
            level_from_points=levels,
            questions=questions,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise QuestionnaireError(f"not a questionnaire: {error}") from error
    if len(levels) != 5 or list(levels) != sorted(set(levels)):
        raise QuestionnaireError("level_from_points needs five rising numbers, for C1 to C5")
    if len({question.question_id for question in questions}) != len(questions):
        raise QuestionnaireError("a question id occurs twice")
    return parsed


def _question(entry: Mapping[str, Any]) -> Question:
    options = [Option(**{**option, "option_id": str(option["option_id"])}) for option in entry["options"]]
    if len({option.option_id for option in options}) != len(options) or len(options) < 2:
        raise ValueError(f"question {entry['question_id']} needs at least two different options")
    return Question(
        str(entry["question_id"]),
        str(entry["text"]),
        str(entry["text_zh"]),
        {option.option_id: option for option in options},
    )
