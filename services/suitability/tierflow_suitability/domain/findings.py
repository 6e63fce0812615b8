"""What rules answer, and how many answers become one outcome: the worst wins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tierflow_shared.contracts.outcomes import DecisionOutcome, Verdict

Scalar = str | int | bool | None

SEVERITY: Final[Mapping[Verdict, int]] = {"pass": 0, "warn": 1, "refer": 2, "block": 3}
OUTCOME_SEVERITY: Final[Mapping[DecisionOutcome, int]] = {
    "approved": 0,
    "needs-evidence": 1,
    "referred": 2,
    "blocked": 3,
}


class Answer(NamedTuple):
    """What one rule found: its verdict, why, the inputs it looked at, and what would make it content."""

    verdict: Verdict
    message: str
    inputs: Mapping[str, Scalar] = {}
    needs: tuple[str, ...] = ()


class Finding(NamedTuple):
    """An answer with the rule and the article it stands on. A tuple: every sale makes two dozen of them."""

    rule_id: str
    article: str
    verdict: Verdict
    message: str
    inputs: Mapping[str, Scalar]
    needs: tuple[str, ...] = ()


def passed(message: str, **inputs: Scalar) -> Answer:
    """The rule has nothing against the sale."""
    return Answer("pass", message, inputs)


def wanting(needs: str, message: str, **inputs: Scalar) -> Answer:
    """The sale has to wait until `needs` is there."""
    return Answer("warn", message, inputs, (needs,))


def noted(message: str, **inputs: Scalar) -> Answer:
    """The sale may go on, with a remark (what was wanting is there)."""
    return Answer("warn", message, inputs)


def referred(message: str, **inputs: Scalar) -> Answer:
    """A person other than the requester has to decide."""
    return Answer("refer", message, inputs)


def blocked(message: str, **inputs: Scalar) -> Answer:
    """The sale must not happen."""
    return Answer("block", message, inputs)


def outcome_of(findings: Sequence[Finding]) -> DecisionOutcome:
    """The worst finding's consequence; a warning that wants nothing more does not hold up a sale."""
    verdicts = {finding.verdict for finding in findings}
    if "block" in verdicts:
        return "blocked"
    if "refer" in verdicts:
        return "referred"
    return "needs-evidence" if any(finding.needs for finding in findings) else "approved"


def needs_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Everything the findings want, each once, in order of first mention."""
    return tuple(dict.fromkeys(need for finding in findings for need in finding.needs))


def verdict_line(findings: Iterable[Finding]) -> str:
    """Rule ids and verdicts in a canonical order: equal decisions give equal lines."""
    return ",".join(sorted(f"{finding.rule_id}={finding.verdict}" for finding in findings))
