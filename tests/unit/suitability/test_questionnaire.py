"""The questionnaire: answers to points, points to levels, cautious answers cap."""

from typing import Any

import pytest

from tests.integration.suitability.facts import BALANCED_ANSWERS
from tierflow_suitability.adapters.policy_files import load_questionnaires
from tierflow_suitability.domain.questionnaire import AnswerError, QuestionnaireError, parse_questionnaire, score

RETAIL = load_questionnaires()["cn-retail", "2026.1"]


def extreme(most: bool) -> dict[str, str]:
    """The answer with most (or fewest) points to every question."""
    pick = max if most else min
    return {q.question_id: pick(q.options.values(), key=lambda o: o.points).option_id for q in RETAIL.questions}


@pytest.mark.parametrize(
    ("changes", "points", "level"),
    [
        ({}, 72, 4),
        ({"loss": "none"}, 64, 1),
        ({"loss": "below-10"}, 68, 3),
        ({"purpose": "preserve"}, 65, 2),
        ({"experience": "none"}, 65, 3),
        ({"reaction": "sell-all"}, 64, 2),
    ],
)
def test_points_add_up_and_cautious_answers_cap(changes: dict[str, str], points: int, level: int) -> None:
    """A customer who cannot bear any loss is C1, whatever else the answers say."""
    scored = score(RETAIL, {**BALANCED_ANSWERS, **changes})
    assert (scored.points, scored.level) == (points, level)


def test_the_ends_of_the_scale() -> None:
    """All bold answers give C5, all cautious ones C1."""
    assert score(RETAIL, extreme(most=True)).level == 5
    assert score(RETAIL, extreme(most=False)).level == 1


def test_what_was_declared_is_kept() -> None:
    """Assets and horizon come from the answers, in the questionnaire's currency."""
    scored = score(RETAIL, BALANCED_ANSWERS)
    assert scored.declared_assets is not None
    assert (scored.declared_assets.value, scored.declared_assets.currency) == ("3000000", "CNY")
    assert scored.horizon_days == 1825
    assert score(RETAIL, {**BALANCED_ANSWERS, "assets": "3m-up"}).declared_assets is None


@pytest.mark.parametrize(
    ("answers", "field", "rule"),
    [
        ({k: v for k, v in BALANCED_ANSWERS.items() if k != "loss"}, "body.answers.loss", "required"),
        ({**BALANCED_ANSWERS, "loss": "some"}, "body.answers.loss", "choice"),
        ({**BALANCED_ANSWERS, "shoe-size": "43"}, "body.answers", "known"),
    ],
)
def test_answers_must_fit_the_questions(answers: dict[str, str], field: str, rule: str) -> None:
    """Each question exactly once, with one of its options."""
    with pytest.raises(AnswerError) as error:
        score(RETAIL, answers)
    assert (error.value.field, error.value.rule) == (field, rule)


GOOD: dict[str, Any] = {
    "questionnaire": "q",
    "version": "1",
    "title": "t",
    "title_zh": "t",
    "currency": "CNY",
    "level_from_points": [0, 1, 2, 3, 4],
    "questions": [
        {
            "question_id": "a",
            "text": "a",
            "text_zh": "a",
            "options": [
                {"option_id": "x", "text": "x", "text_zh": "x", "points": 1},
                {"option_id": "y", "text": "y", "text_zh": "y", "points": 2},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    "change",
    [
        {"level_from_points": [0, 1, 2]},
        {"level_from_points": [0, 2, 1, 3, 4]},
        {"questions": GOOD["questions"] * 2},
        {"questions": [{**GOOD["questions"][0], "options": GOOD["questions"][0]["options"][:1]}]},
        {"questions": [{"question_id": "a"}]},
    ],
)
def test_a_wrong_questionnaire_is_refused(change: dict[str, Any]) -> None:
    """Levels rise, questions and options are unique."""
    parse_questionnaire(GOOD)
    with pytest.raises(QuestionnaireError):
        parse_questionnaire({**GOOD, **change})
