"""The decision on a sale: every rule of every pack that applies answers, and the worst answer wins."""

import hashlib
from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from tierflow_shared.contracts.outcomes import DecisionOutcome
from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.findings import Finding, Scalar, found, needs_of, outcome_of
from tierflow_suitability.domain.packs import Pack, PackRef, Rulebook, Selection


class Decision(Struct, frozen=True):
    """An outcome with all findings and the packs they came from."""

    outcome: DecisionOutcome
    findings: tuple[Finding, ...]
    packs: tuple[PackRef, ...]
    on: date

    @property
    def needs(self) -> tuple[str, ...]:
        return needs_of(self.findings)


def decide(case: Case, rulebook: Rulebook) -> Decision:
    """Judges a case by the packs that apply to its product on its day."""
    return decide_with(case, rulebook.select(case.product.category, case.on))


def decide_with(case: Case, selection: Selection) -> Decision:
    """Judges a case by given packs (a replay uses those of the original decision)."""
    findings = [_regime_finding(case, selection)]
    for pack in selection.packs:
        findings.extend(_findings(case, pack))
    if case.approvals:
        findings = [_approved(finding, case) for finding in findings]
    return Decision(outcome_of(findings), tuple(findings), selection.refs, case.on)


def _findings(case: Case, pack: Pack) -> list[Finding]:
    early = "" if pack.in_force_on(case.on) else f" (applied by the bank before {pack.effective_from.isoformat()})"
    parameters = pack.parameters
    return [found(rule_id, article + early, answer(case, parameters)) for rule_id, article, answer in pack.answering]


def _regime_finding(case: Case, selection: Selection) -> Finding:
    """Which regime governs the product. Where none is in force, a person decides: never a guess."""
    category = case.product.category
    inputs: Mapping[str, Scalar] = {
        "category": category,
        "regime": selection.regime.ref.pack if selection.regime else None,
    }
    if selection.covered:
        return Finding("core.regime", "pack selection", "pass", "the packs for this product are known", inputs)
    message = f"no pack in force for the category {category}"
    return Finding("core.regime", "pack selection", "refer", message, inputs)


def inputs_digest(finding: Finding) -> str:
    """Stands for what a finding looked at: an approval holds only while this stays the same."""
    canonical = "\x1f".join(f"{name}={value!r}" for name, value in sorted(finding.inputs.items()))
    return hashlib.sha256(f"{finding.rule_id}\x1e{canonical}".encode()).hexdigest()[:32]


def approvable(findings: tuple[Finding, ...]) -> dict[str, str]:
    """The referred findings that wait for a person, each with the digest of its inputs."""
    return {finding.rule_id: inputs_digest(finding) for finding in findings if finding.verdict == "refer"}


def _approved(finding: Finding, case: Case) -> Finding:
    if finding.verdict != "refer":
        return finding
    digest = inputs_digest(finding)
    for approval in case.approvals:
        if approval.covers.get(finding.rule_id) == digest:
            return finding._replace(verdict="warn", message=f"{finding.message}: approved by a second person")
    return finding
