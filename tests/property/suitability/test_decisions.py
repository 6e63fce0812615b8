"""What holds for every decision, whatever the case."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.property.suitability.cases import KINDS, cases
from tests.unit.suitability.build import AT, RULEBOOK, decision, papers
from tierflow_suitability.adapters.codec import decode_entry, encode
from tierflow_suitability.domain.cases import Approval, Case
from tierflow_suitability.domain.decide import approvable
from tierflow_suitability.domain.findings import OUTCOME_SEVERITY, SEVERITY
from tierflow_suitability.domain.records import AuditEntry, DecisionRecord
from tierflow_suitability.domain.replay import replay

LEVEL_RULES = {"cn-nfra.level-match"}


@given(cases())
def test_the_worst_finding_wins(case: Case) -> None:
    """Blocked if and only if something blocks, and so on down."""
    decided = decision(case)
    verdicts = {finding.verdict for finding in decided.findings}
    expected = (
        "blocked" if "block" in verdicts
        else "referred" if "refer" in verdicts
        else "needs-evidence" if decided.needs
        else "approved"
    )  # fmt: skip
    assert decided.outcome == expected
    assert len({finding.rule_id for finding in decided.findings}) == len(decided.findings)


@given(cases(), st.sampled_from(KINDS))
def test_more_evidence_never_worsens(case: Case, kind: str) -> None:
    """Neither a finding nor the outcome gets worse by a document."""
    before = decision(case)
    after = decision(replace(case, evidence=(*case.evidence, *papers(kind))))
    assert OUTCOME_SEVERITY[after.outcome] <= OUTCOME_SEVERITY[before.outcome]
    for old, new in zip(before.findings, after.findings, strict=True):
        assert SEVERITY[new.verdict] <= SEVERITY[old.verdict]
        assert set(new.needs) <= set(old.needs)


@given(cases())
def test_raising_the_level_touches_the_level_rule_alone(case: Case) -> None:
    """A bolder customer is never worse off by it, and no other rule looks at the level."""
    assessment = case.customer.assessment
    if assessment is None or assessment.level == 5:
        return
    raised = replace(assessment, level=assessment.level + 1)
    before = decision(case)
    after = decision(replace(case, customer=replace(case.customer, assessment=raised)))
    for old, new in zip(before.findings, after.findings, strict=True):
        if old.rule_id in LEVEL_RULES:
            assert SEVERITY[new.verdict] <= SEVERITY[old.verdict]
        else:
            assert (new.verdict, new.needs) == (old.verdict, old.needs)


@settings(max_examples=500)
@given(cases())
def test_level_and_validity_agree_with_the_letter_of_the_law(case: Case) -> None:
    """A slow reading of articles 12, 13, 22, 27, 29 and 38, written without the rules' code."""
    if case.product.category not in ("wealth", "trust", "insurance"):
        return
    decided = decision(case)
    found = {finding.rule_id: finding for finding in decided.findings}
    assessment = case.customer.assessment
    professional = case.customer.kind == "institution"
    product_level = sorted([case.product.issuer_risk_level, case.product.seller_risk_level])[1]
    fits = assessment is not None and any(level == product_level for level in range(1, assessment.level + 1))
    in_time = assessment is not None and assessment.answered_at <= case.at
    if professional or (in_time and fits):
        assert found["cn-nfra.level-match"].verdict == "pass"
    elif in_time and case.product.category != "insurance":
        assert (found["cn-nfra.level-match"].verdict, decided.outcome) == ("block", "blocked")
    else:
        assert decided.outcome != "approved" or case.has("risk-warning")
    if in_time and assessment is not None and not professional:
        answered = assessment.answered_on
        expired = (case.on.year, case.on.month, case.on.day) > (answered.year + 1, answered.month, answered.day)
        assert ("assessment" in found["cn-nfra.assessment-valid"].needs) == expired


@given(cases())
def test_a_stored_decision_is_made_again_identically(case: Case) -> None:
    """Through JSON and back, the same findings."""
    record = DecisionRecord("d-1", "s-1", "request", case, decision(case))
    stored = decode_entry(encode(AuditEntry("sale-decided", AT, "x", "s-1", decision=record))).decision
    assert stored == record
    assert stored is not None
    assert replay(stored, RULEBOOK).identical


@given(cases())
def test_an_approval_settles_what_is_referred_and_nothing_else(case: Case) -> None:
    """Blocks stay, wants stay, every referred finding becomes a remark."""
    before = decision(case)
    approval = Approval("head-1", AT, "checked", "d-1", approvable(before.findings))
    after = decision(replace(case, approvals=(approval,)))
    for old, new in zip(before.findings, after.findings, strict=True):
        assert new.verdict == ("warn" if old.verdict == "refer" else old.verdict)
        assert new.needs == old.needs
