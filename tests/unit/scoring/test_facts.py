"""Facts are registers: the newest word wins, and steps follow from what stands."""

from tierflow_scoring.domain.days import FAR
from tierflow_scoring.domain.facts import Diligence, Facts, account_steps, diligence_steps


def by(n: int) -> tuple[str, str, str]:
    return (f"2024-01-01T00:00:0{n}", "/core", f"e{n}")


def test_the_newest_word_wins_whatever_comes_last() -> None:
    """An older event after a newer one changes nothing; the same event again is known."""
    facts = Facts()
    assert facts.open_account("a", "current", 100, by(2)) == "changed"
    assert facts.open_account("a", "loan", 50, by(1)) == "older"
    assert facts.open_account("a", "current", 100, by(2)) == "same"
    assert (facts.start, facts.lent_accounts) == (100, frozenset())
    assert facts.open_account("a", "loan", 50, by(3)) == "changed"
    assert (facts.start, facts.lent_accounts) == (50, frozenset({"a"}))


def test_an_account_that_was_only_closed_has_no_days() -> None:
    """The closing is kept until the opening is known."""
    facts = Facts()
    facts.close_account("a", 120, by(1))
    assert account_steps(facts) == {}
    assert facts.start == FAR
    facts.open_account("a", "current", 100, by(2))
    assert account_steps(facts) == {100: 1, 121: -1}


def test_due_diligence_holds_until_it_ends_or_something_newer_begins() -> None:
    """Both days of a stretch count; a review in between interrupts it."""
    facts = Facts()
    facts.set_diligence(10, Diligence("verified", 40, by(1)))
    assert diligence_steps(facts) == {10: 1, 41: -1}
    facts.set_diligence(20, Diligence("under-review", None, by(2)))
    assert diligence_steps(facts) == {10: 1, 20: -1}
    facts.set_diligence(30, Diligence("verified", None, by(3)))
    assert diligence_steps(facts) == {10: 1, 20: -1, 30: 1}
