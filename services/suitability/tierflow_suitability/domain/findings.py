"""What rules answer, and how many answers become one outcome: the worst wins."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

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


# Making a tuple at once: the constructor of a NamedTuple is a Python function, and a sale makes fifty of them.
_new: Final[Any] = tuple.__new__


def found(rule_id: str, article: str, answer: Answer) -> Finding:
    """An answer as a finding of its rule."""
    finding: Finding = _new(Finding, (rule_id, article, *answer))
    return finding


def _answer(verdict: Verdict, message: str, inputs: Mapping[str, Scalar], needs: tuple[str, ...] = ()) -> Answer:
    answer: Answer = _new(Answer, (verdict, message, inputs, needs))
    return answer


def passed(message: str, **inputs: Scalar) -> Answer:
    """The rule has nothing against the sale."""
    answer: Answer = _new(Answer, ("pass", message, inputs, ()))
    return answer


def wanting(needs: str, message: str, **inputs: Scalar) -> Answer:
    """The sale has to wait until `needs` is there."""
    return _answer("warn", message, inputs, (needs,))


def noted(message: str, **inputs: Scalar) -> Answer:
    """The sale may go on, with a remark (what was wanting is there)."""
    return _answer("warn", message, inputs)


def referred(message: str, **inputs: Scalar) -> Answer:
    """A person other than the requester has to decide."""
    return _answer("refer", message, inputs)


def blocked(message: str, **inputs: Scalar) -> Answer:
    """The sale must not happen."""
    return _answer("block", message, inputs)


def outcome_of(findings: Sequence[Finding]) -> DecisionOutcome:
    """The worst finding's consequence; a warning that wants nothing more does not hold up a sale."""
    verdicts = [finding.verdict for finding in findings]
    if "block" in verdicts:
        return "blocked"
    if "refer" in verdicts:
        return "referred"
    return "needs-evidence" if any(finding.needs for finding in findings) else "approved"


def needs_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Everything the findings want, each once, in order of first mention."""
    return tuple(dict.fromkeys([need for finding in findings for need in finding.needs]))


def verdict_line(findings: Iterable[Finding]) -> str:
    """Rule ids and verdicts in a canonical order: equal decisions give equal lines."""
    return _line(tuple([(finding.rule_id, finding.verdict) for finding in findings]))


@lru_cache(maxsize=4096)
def _line(verdicts: tuple[tuple[str, Verdict], ...]) -> str:
    return ",".join(sorted([f"{rule_id}={verdict}" for rule_id, verdict in verdicts]))
