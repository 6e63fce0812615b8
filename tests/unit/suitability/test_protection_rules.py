"""Means, staff, age, capacity, private products and documents under order 7 of 2025, at the boundaries."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.suitability.build import ADVISER, AT, case, cny, finding, papers
from tierflow_shared.contracts.bank import RmUpdated
from tierflow_shared.contracts.primitives import PositiveMoney

USD = PositiveMoney(value="900000", currency="USD")


@pytest.mark.parametrize(
    ("amount", "customer", "verdict"),
    [
        ("800000", {}, "pass"),
        ("800000.01", {}, "block"),
        ("900000", {"holdings": (cny("600000"),)}, "pass"),
        ("800000.01", {"holdings": (USD,)}, "warn"),
        ("800000.01", {"yearly_income": None}, "warn"),
        ("300000.01", {"assessment": None}, "warn"),
    ],
)
def test_article_12_money_clearly_beyond_means(amount: str, customer: dict[str, Any], verdict: str) -> None:
    """One income of 300,000 and declared assets of 500,000; what is not known never blocks by itself."""
    one = case(request={"amount": cny(amount)}, customer=customer)
    found = finding("cn-nfra.within-means", one)
    assert (found.verdict, found.article) == (verdict, "12")
    assert found.needs == (("income-declaration",) if verdict == "warn" else ())


def test_article_12_a_declaration_of_income_stands_in_for_what_is_not_known() -> None:
    """It does not help against means that are known."""
    unknown = case(
        request={"amount": cny("900000")}, customer={"yearly_income": None}, evidence=papers("income-declaration")
    )
    assert finding("cn-nfra.within-means", unknown).needs == ()
    known = case(request={"amount": cny("900000")}, evidence=papers("income-declaration"))
    assert finding("cn-nfra.within-means", known).verdict == "block"


@pytest.mark.parametrize(
    ("request_changes", "staff", "verdict"),
    [
        ({}, None, "pass"),
        ({"initiated_by": "bank"}, None, "refer"),
        ({"staff_id": "rm-1"}, ADVISER, "pass"),
        ({"staff_id": "rm-1", "initiated_by": "bank"}, ADVISER, "pass"),
        ({"staff_id": "rm-1"}, RmUpdated(rm_id="rm-1", role="personal", region="CN"), "block"),
        ({"staff_id": "rm-1"}, RmUpdated(rm_id="rm-1", role="personal", region="CN", active=False), "block"),
    ],
)
def test_article_16_staff_must_be_qualified(
    request_changes: dict[str, Any], staff: RmUpdated | None, verdict: str
) -> None:
    """Whoever takes part needs a licence for the kind of product."""
    found = finding("cn-nfra.staff-qualified", case(request=request_changes, staff=staff))
    assert (found.verdict, found.article) == (verdict, "16")


@pytest.mark.parametrize(("on", "verdict"), [(date(2026, 6, 30), "pass"), (date(2026, 7, 1), "block")])
def test_article_16_a_licence_holds_until_its_last_day(on: date, verdict: str) -> None:
    """The last day is included."""
    one = case(request={"staff_id": "rm-1"}, staff=ADVISER, on=on)
    assert finding("cn-nfra.staff-qualified", one).verdict == verdict


@pytest.mark.parametrize(
    ("age", "level", "needs"),
    [(64, 4, ()), (65, 4, ("special-care",)), (65, 3, ()), (90, 5, ("special-care",)), (None, 4, ("birth-date",)),
     (None, 3, ())],
)  # fmt: skip
def test_articles_18_and_46_special_care_from_65_with_high_risk(
    age: int | None, level: int, needs: tuple[str, ...]
) -> None:
    """Both must come together; an unknown age is not taken for young."""
    one = case(customer={"age": age}, assessment={"level": 5}, product={"seller_risk_level": level})
    found = finding("cn-nfra.special-care", replace(one, customer=replace(one.customer, age=age)))
    assert (found.needs, found.article) == (needs, "18, 46")


def test_articles_18_and_46_are_met_by_evidence_of_special_care() -> None:
    """The recorded care is enough."""
    one = case(customer={"age": 70}, product={"seller_risk_level": 4}, evidence=papers("special-care"))
    assert finding("cn-nfra.special-care", one).needs == ()


@pytest.mark.parametrize(
    ("customer", "level", "verdict"),
    [
        ({"capacity": "none"}, 1, "block"),
        ({"capacity": "limited"}, 2, "pass"),
        ({"capacity": "limited"}, 3, "block"),
        ({"age": 17}, 2, "pass"),
        ({"age": 17}, 3, "block"),
        ({"age": 18}, 3, "pass"),
    ],
)
def test_article_19_limited_capacity_only_with_low_risk(customer: dict[str, Any], level: int, verdict: str) -> None:
    """The guardian's consent, asked by the core pack, does not open products with more risk."""
    one = case(customer=customer, product={"seller_risk_level": level, "issuer_risk_level": 1})
    found = finding("cn-nfra.limited-capacity", one)
    assert (found.verdict, found.article) == (verdict, "19")


def test_article_30_private_products_for_qualified_investors() -> None:
    """The proof must be on file."""
    private = {"placement": "private"}
    found = finding("cn-nfra.qualified-investor", case(product=private))
    assert (found.needs, found.article) == (("qualified-investor",), "30")
    proven = case(product=private, evidence=papers("qualified-investor"))
    assert finding("cn-nfra.qualified-investor", proven).verdict == "pass"


@pytest.mark.parametrize("kind", ["disclosure", "match-opinion"])
def test_article_31_documents_come_before_the_sale(kind: str) -> None:
    """A document that is made after the decision does not count for it."""
    assert finding(f"cn-nfra.{kind}", case(evidence=())).needs == (kind,)
    later = case(evidence=papers(kind, at=AT + timedelta(seconds=1)))
    assert finding(f"cn-nfra.{kind}", later).needs == (kind,)
    found = finding(f"cn-nfra.{kind}", case(evidence=papers(kind)))
    assert (found.verdict, found.article) == ("pass", "31")


@pytest.mark.parametrize(
    ("request_changes", "customer", "declares"),
    [
        ({"amount": cny("1200000")}, {}, False),
        ({"amount": cny("1200000.01")}, {}, True),
        ({"amount": cny("60000"), "years_to_pay": 10}, {}, False),
        ({"amount": cny("60000.01"), "years_to_pay": 10}, {}, True),
        ({"amount": cny("10000"), "years_to_pay": 29}, {}, False),
        ({"amount": cny("10000"), "years_to_pay": 30}, {}, True),
        ({"amount": cny("15000"), "stated_budget": cny("10000")}, {}, True),
        ({"amount": cny("14999.99"), "stated_budget": cny("10000")}, {}, False),
        ({"amount": cny("10000")}, {"yearly_income": None}, True),
        ({"amount": cny("10000")}, {"age": None}, True),
    ],
)
def test_article_39_heavy_premiums_need_a_declaration(
    request_changes: dict[str, Any], customer: dict[str, Any], declares: bool
) -> None:
    """More than 4 incomes at once, 20 % of the income a year, 75 years at the end, or 150 % of the budget."""
    product = {"category": "insurance", "uncertain_benefit": True}
    one = case(request=request_changes, customer=customer, product=product)
    found = finding("cn-nfra.policyholder-declaration", one)
    assert found.needs == (("policyholder-declaration",) if declares else ())
    assert found.article == "39"
    signed = replace(one, evidence=papers("policyholder-declaration"))
    assert finding("cn-nfra.policyholder-declaration", signed).needs == ()


def test_article_39_is_about_uncertain_benefit() -> None:
    """Other insurance needs no declaration."""
    one = case(request={"amount": cny("9000000")}, product={"category": "insurance"})
    assert finding("cn-nfra.policyholder-declaration", one).verdict == "pass"
