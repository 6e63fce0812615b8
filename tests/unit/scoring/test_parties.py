"""Rights to accounts: the newest statement about each holds, and only others' accounts are counted."""

from tierflow_scoring.domain.facts import Facts, Party

EARLY, LATE = ("2026-01-01T00:00:00", "/core", "1"), ("2026-02-01T00:00:00", "/core", "2")


def test_the_newest_statement_about_a_right_holds_in_any_order() -> None:
    """An authorised person who became the owner is not authorised any more, whichever message came first."""
    before, after = Party("a-1", "authorised", EARLY), Party("a-1", "owner", LATE)
    for order in ([before, after], [after, before]):
        facts = Facts()
        for party in order:
            facts.set_party("p-1", party)
        assert facts.authorised_accounts == 0
        assert facts.parties == {"p-1": after}


def test_rights_to_several_accounts_are_counted() -> None:
    """Own accounts are not."""
    facts = Facts()
    facts.set_party("p-1", Party("a-1", "authorised", EARLY))
    facts.set_party("p-2", Party("a-2", "authorised", EARLY))
    facts.set_party("p-3", Party("a-3", "owner", EARLY))
    assert facts.authorised_accounts == 2


def test_a_repeated_statement_changes_nothing() -> None:
    """The same version again is a duplicate."""
    facts = Facts()
    assert facts.set_party("p-1", Party("a-1", "owner", EARLY)) == "changed"
    assert facts.set_party("p-1", Party("a-1", "owner", EARLY)) != "changed"
