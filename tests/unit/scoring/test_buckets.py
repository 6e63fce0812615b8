"""Buckets count each event once and take back what was reversed."""

from collections.abc import Sequence

import numpy as np
import pytest

from tierflow_scoring.domain.arrays import Ints, ints
from tierflow_scoring.domain.buckets import Number, effects, known_content
from tierflow_scoring.domain.flows import RULE_PLACES
from tierflow_scoring.handlers.booking import take_into_ledgers
from tierflow_scoring.handlers.commands import Bookings

CASH_IN = RULE_PLACES["credit", "branch", "cash"]
CARD_OUT = RULE_PLACES["debit", "card", "card-payment"]
FEE = RULE_PLACES["debit", "system", "fee"]
INTEREST = RULE_PLACES["credit", "system", "interest"]


def taken(ledgers: list[bytes], *entries: tuple[int, bytes, bytes]) -> dict[int, bool]:
    """Takes entries (place, identity, content) in one call."""
    places, identities, contents = zip(*entries, strict=True)
    nothing = np.zeros(len(entries), np.int64)
    return take_into_ledgers(
        ledgers, list(places), Bookings([], [], identities, contents, nothing, nothing, nothing, nothing)
    )


def effect(*rows: tuple[int, int, int, int]) -> Ints:
    """What bookings (rule, amount, cost, times) add up to."""
    rules, amounts, costs, times = (ints(column) for column in zip(*rows, strict=True))
    return ints(effects(rules, amounts, costs, times).sum(axis=0))


@pytest.mark.parametrize("together", [True, False])
def test_the_same_event_is_taken_once(*, together: bool) -> None:
    """Same identity and content: a duplicate. Same identity with other content: a conflict, and nothing is noted."""
    ledgers = [b"", b""]
    entries = [
        (0, b"a" * 16, b"1" * 8),
        (0, b"b" * 16, b"1" * 8),
        (0, b"a" * 16, b"1" * 8),
        (0, b"a" * 16, b"2" * 8),
        (1, b"a" * 16, b"2" * 8),
    ]
    portions: Sequence[Sequence[tuple[int, bytes, bytes]]] = [entries] if together else [[one] for one in entries]
    found = [taken(ledgers, *some) for some in portions]
    assert found == ([{2: True, 3: False}] if together else [{}, {}, {0: True}, {0: False}, {}])
    assert [len(ledger) for ledger in ledgers] == [48, 24]


def test_an_identity_across_the_border_of_two_entries_is_not_taken_for_one() -> None:
    """Bytes that happen to match between entries are no entry."""
    ledgers = [bytes(range(24))]
    assert known_content(ledgers[0], bytes(range(8, 24))) is None
    assert taken(ledgers, (0, bytes(range(8, 24)), b"x" * 8)) == {}
    assert known_content(ledgers[0], bytes(range(8, 24))) == b"x" * 8


def test_what_a_booking_means() -> None:
    """Own transactions, spending, inflow, fees and cost follow from direction, channel and purpose."""
    total = effect((CASH_IN, 10_000, 1200, 1), (CARD_OUT, 300, 200, 1), (FEE, 50, 20, 1), (INTEREST, 7, 20, 1))
    assert dict(zip(Number, total.tolist(), strict=True)) == {
        Number.NET: 9_657,
        Number.CREDIT: 10_007,
        Number.DEBIT: 350,
        Number.TRANSACTIONS: 4,
        Number.OWN: 2,
        Number.FEES: 50,
        Number.COST: 1440,
        Number.SPEND: 300,
        Number.INFLOW: 10_000,
    }


@pytest.mark.parametrize("rule", [CASH_IN, CARD_OUT, FEE, INTEREST])
def test_a_reversal_leaves_nothing_but_the_ledger(rule: int) -> None:
    """A booking and its reversal add up to nothing."""
    assert not effect((rule, 999, 77, 1), (rule, 999, 77, -1)).any()
