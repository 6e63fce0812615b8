"""The pack `core`, rule by rule, at the boundaries."""

from datetime import date
from typing import Any

import pytest

from tests.unit.suitability.build import case, cny, decision, finding, papers

Changes = dict[str, Any]


@pytest.mark.parametrize(
    ("rule", "changes", "verdict", "needs"),
    [
        ("customer-known", {}, "pass", ()),
        ("customer-known", {"customer": {"known": False}}, "warn", ("customer",)),
        ("kyc-valid", {"customer": {"kyc_valid_until": date(2026, 3, 2)}}, "pass", ()),
        ("kyc-valid", {"customer": {"kyc_valid_until": date(2026, 3, 1)}}, "warn", ("kyc",)),
        ("kyc-valid", {"customer": {"kyc_valid_until": None}}, "pass", ()),
        ("kyc-valid", {"customer": {"kyc_status": None}}, "warn", ("kyc",)),
        ("kyc-valid", {"customer": {"kyc_status": "missing"}}, "warn", ("kyc",)),
        ("kyc-valid", {"customer": {"kyc_status": "expired"}}, "warn", ("kyc",)),
        ("kyc-valid", {"customer": {"kyc_status": "under-review"}}, "warn", ("kyc",)),
        ("product-on-sale", {"product": {"on_sale_from": date(2026, 3, 2)}}, "pass", ()),
        ("product-on-sale", {"product": {"on_sale_from": date(2026, 3, 3)}}, "block", ()),
        ("product-on-sale", {"product": {"on_sale_until": date(2026, 3, 2)}}, "pass", ()),
        ("product-on-sale", {"product": {"on_sale_until": date(2026, 3, 1)}}, "block", ()),
        ("currency", {}, "pass", ()),
        ("currency", {"product": {"currency": "USD"}}, "block", ()),
        ("minimum-amount", {"product": {"minimum_amount": cny("50000")}}, "pass", ()),
        ("minimum-amount", {"product": {"minimum_amount": cny("50000.01")}}, "block", ()),
        ("minimum-amount", {"request": {"amount": cny("0.00")}}, "block", ()),
        ("legal-capacity", {"customer": {"capacity": "none"}}, "block", ()),
        ("legal-capacity", {"customer": {"capacity": "limited"}}, "warn", ("guardian-consent",)),
        ("legal-capacity", {"customer": {"capacity": "limited"}, "evidence": papers("guardian-consent")}, "warn", ()),
        ("legal-age", {"customer": {"age": 7}}, "block", ()),
        ("legal-age", {"customer": {"age": 8}}, "warn", ("guardian-consent",)),
        ("legal-age", {"customer": {"age": 17}}, "warn", ("guardian-consent",)),
        ("legal-age", {"customer": {"age": 18}}, "pass", ()),
        ("legal-age", {"customer": {"age": None}}, "warn", ("birth-date",)),
        ("legal-age", {"customer": {"age": None, "kind": "company"}}, "pass", ()),
        ("large-amount", {"product": {"large_amount": cny("50000.01")}}, "pass", ()),
        ("large-amount", {"product": {"large_amount": cny("50000")}}, "refer", ()),
        ("large-amount", {}, "pass", ()),
        ("vulnerable-customer", {"customer": {"vulnerable": True}}, "pass", ()),
        ("vulnerable-customer", {"customer": {"vulnerable": True}, "product": {"seller_risk_level": 3}}, "warn",
         ("special-care",)),
        ("vulnerable-customer", {"customer": {"vulnerable": True}, "product": {"seller_risk_level": 3},
                                 "evidence": papers("special-care")}, "warn", ()),
        ("horizon", {"product": {"lock_up_days": 1095}}, "pass", ()),
        ("horizon", {"product": {"lock_up_days": 1096}}, "refer", ()),
        ("horizon", {"product": {"lock_up_days": 1096}, "assessment": {"horizon_days": None}}, "pass", ()),
    ],
)  # fmt: skip
def test_a_rule_answers(rule: str, changes: Changes, verdict: str, needs: tuple[str, ...]) -> None:
    """Each rule at its boundary: one step further it answers differently."""
    found = finding(f"core.{rule}", case(**changes))
    assert (found.verdict, found.needs) == (verdict, needs)


def test_the_ordinary_case_is_approved_with_every_finding() -> None:
    """All 23 rules and the choice of packs answer, none objects."""
    decided = decision(case())
    assert decided.outcome == "approved"
    assert len(decided.findings) == 24
    assert {finding.verdict for finding in decided.findings} == {"pass"}
    assert all(finding.article and finding.message for finding in decided.findings)


@pytest.mark.parametrize("category", ["deposit", "loan", "card"])
def test_plain_bank_products_need_the_core_pack_alone(category: str) -> None:
    """No level, no disclosure: the pack is chosen before any rule runs."""
    decided = decision(case(product={"category": category}, customer={"assessment": None}, evidence=()))
    assert [ref.pack for ref in decided.packs] == ["core"]
    assert decided.outcome == "approved"


@pytest.mark.parametrize("category", ["fund", "securities", "futures"])
def test_without_a_pack_in_force_a_person_decides(category: str) -> None:
    """The pack for these products is not here: referred, never a guess."""
    decided = decision(case(product={"category": category}))
    found = next(finding for finding in decided.findings if finding.rule_id == "core.regime")
    assert (found.verdict, decided.outcome) == ("refer", "referred")
    assert "no pack in force" in found.message


def test_before_the_order_was_in_force_its_findings_say_so() -> None:
    """The bank applies the order to earlier days of its own accord."""
    early = case(on=date(2026, 1, 31), assessment={"answered_on": date(2026, 1, 5)})
    assert "before 2026-02-01" in finding("cn-nfra.level-match", early).article
    assert "before" not in finding("cn-nfra.level-match", case(on=date(2026, 2, 1))).article
