"""Risk levels and assessments under order 7 of 2025, at the boundaries."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.unit.suitability.build import AT, case, decision, finding, papers

NO_ASSESSMENT = {"assessment": None}


@pytest.mark.parametrize(
    ("customer_level", "issuer", "seller", "verdict"),
    [
        (3, 3, 3, "pass"),
        (3, 4, 1, "block"),
        (3, 1, 4, "block"),
        (5, 5, 5, "pass"),
        (1, 2, 1, "block"),
        (1, 1, 1, "pass"),
    ],
)
def test_article_12_and_22_the_higher_product_level_must_fit(
    customer_level: int, issuer: int, seller: int, verdict: str
) -> None:
    """The higher of issuer's and seller's level counts; above the customer's level there is no sale."""
    one = case(assessment={"level": customer_level}, product={"issuer_risk_level": issuer, "seller_risk_level": seller})
    found = finding("cn-nfra.level-match", one)
    assert found.verdict == verdict
    assert found.article == "12, 22, 38"
    assert found.inputs["product_level"] == max(issuer, seller)


def test_article_12_knows_no_signed_exception() -> None:
    """A signed warning does not open a wealth product above the level."""
    one = case(product={"seller_risk_level": 5}, evidence=papers("risk-warning", "disclosure", "match-opinion"))
    assert decision(one).outcome == "blocked"


def test_article_38_insurance_above_the_level_needs_a_signed_warning() -> None:
    """For insurance the customer may insist, in writing."""
    changes: dict[str, Any] = {"category": "insurance", "seller_risk_level": 4}
    assert finding("cn-nfra.level-match", case(product=changes)).needs == ("risk-warning",)
    warned = finding("cn-nfra.level-match", case(product=changes, evidence=papers("risk-warning")))
    assert (warned.verdict, warned.needs) == ("warn", ())


def test_article_29_without_an_assessment_no_sale() -> None:
    """The customer has to be assessed first."""
    one = case(customer=NO_ASSESSMENT)
    assert finding("cn-nfra.assessment-exists", one).needs == ("assessment",)
    assert finding("cn-nfra.level-match", one).needs == ("assessment",)
    assert decision(one).outcome == "needs-evidence"


@pytest.mark.parametrize(
    ("answered_on", "valid"),
    [(date(2025, 3, 2), True), (date(2025, 3, 1), False), (date(2026, 3, 2), True)],
)
def test_article_29_an_assessment_holds_for_12_months_to_the_day(answered_on: date, valid: bool) -> None:
    """The corresponding day is the last one."""
    moment = datetime(answered_on.year, answered_on.month, answered_on.day, tzinfo=UTC)
    one = case(assessment={"answered_on": answered_on, "answered_at": moment})
    assert finding("cn-nfra.assessment-valid", one).needs == (() if valid else ("assessment",))


def test_article_29_a_changed_level_counts_after_confirmation() -> None:
    """Until the customer confirms it the sale waits."""
    one = case(assessment={"confirmed": False})
    assert finding("cn-nfra.level-confirmed", one).needs == ("assessment-confirmation",)
    assert decision(one).outcome == "needs-evidence"


@pytest.mark.parametrize(("answered_at", "needs"), [(AT, ()), (AT + timedelta(seconds=1), ("assessment",))])
def test_article_13_the_assessment_comes_before_the_sale(answered_at: datetime, needs: tuple[str, ...]) -> None:
    """An assessment that was made to fit the sale does not count."""
    one = case(assessment={"answered_at": answered_at})
    found = finding("cn-nfra.assessment-before-sale", one)
    assert (found.needs, found.article) == (needs, "13")


@pytest.mark.parametrize(
    "rule", ["level-match", "assessment-exists", "assessment-valid", "level-confirmed", "disclosure", "match-opinion"]
)
def test_article_27_institutions_are_professional_investors(rule: str) -> None:
    """Neither level nor disclosure protects them."""
    one = case(customer={"kind": "institution", "assessment": None}, product={"seller_risk_level": 5}, evidence=())
    assert finding(f"cn-nfra.{rule}", one).verdict == "pass"
