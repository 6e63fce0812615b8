"""What scoring tells others, and when: upgrades at once, downgrades with notice, corrections with the next close."""

from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from tests.property.scoring.bank import Said, moment, on, records
from tests.property.scoring.harness import Scoring
from tests.property.scoring.stories import small_policies
from tierflow_scoring.domain.days import day_of
from tierflow_shared.contracts import bank
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data, PositiveMoney

# Scheme "assets": mid from 300.00, kept down to 240.00; high from 900.00, kept down to 600.00; grace 4, stay 10 days.
_ids = count()


def said(data: Data, minute: int = 0) -> Said:
    """An event; later `minute`s are newer words."""
    return Said(data, moment(0) + timedelta(minutes=minute), f"e{next(_ids)}")


def booking(day: int, value: str, direction: Any = "credit", transaction: str = "", account: str = "a") -> Said:
    """A booking of ann's."""
    number = next(_ids)
    return said(
        bank.TransactionPosted(
            transaction_id=transaction or f"t{number}",
            customer_id="ann",
            account_id=account,
            amount=PositiveMoney(value=value, currency="CZK"),
            direction=direction,
            booking_date=on(day),
            channel="branch",
            purpose="transfer",
        )
    )


def over(day: int) -> Said:
    """The word that all days before `day` are over."""
    return said(BusinessDateAdvanced(business_date=on(day)))


def told(scoring: Scoring, scheme: str = "assets") -> list[tuple[str, ...]]:
    """The messages of a scheme in short."""
    result: list[tuple[str, ...]] = []
    for _, kind, value in scoring.told():
        message = msgspec.json.decode(value)
        if message.get("scheme") != scheme:
            continue
        if kind == "tierflow.tier.changed.v1":
            result.append((message["direction"], message["tier"], message["effective_on"]))
        else:
            result.append((message["state"], message["tier"], message["pending_tier"], message["due_on"]))
    return result


def day(number: int) -> str:
    return on(number).isoformat()


@pytest.fixture
def scoring() -> Any:
    """A scoring service with small thresholds."""
    with Scoring(small_policies()) as running:
        yield running


def test_an_upgrade_is_published_at_the_event_that_reaches_it(scoring: Scoring) -> None:
    """The first booking is not enough, the second is; neither waits for the end of the day."""
    scoring.process(records([booking(0, "200.00")]))
    assert told(scoring) == []
    log = records([booking(0, "200.00"), booking(0, "100.00"), booking(0, "1.00")])
    scoring.process(log[1:])
    assert told(scoring) == [("initial", "mid", day(0))]


def test_inside_the_open_day_nobody_falls(scoring: Scoring) -> None:
    """Money that came and went on one day was an upgrade at once, and a correction at the close."""
    scoring.process(records([booking(0, "10.00"), booking(1, "500.00"), booking(1, "500.00", "debit")]))
    assert told(scoring) == [("initial", "low", day(0)), ("up", "mid", day(1))]
    scoring.process(records([over(0), over(0), over(0), over(2)])[3:])
    assert told(scoring)[2:] == [("down", "low", day(0))]


def test_a_downgrade_is_announced_and_comes_on_its_day(scoring: Scoring) -> None:
    """Earned on day 11 for the last time, so ten days of stay end on day 21; the grace of four days is over then."""
    scoring.process(records([booking(0, "400.00"), booking(12, "200.00", "debit"), over(25)]))
    assert told(scoring)[1:] == [("open", "mid", "low", day(21)), ("down", "low", day(21))]


def test_a_recovery_clears_the_announcement(scoring: Scoring) -> None:
    """Back above the exit threshold in time: the tier stays, and the readers are told."""
    story = [booking(0, "400.00"), booking(12, "200.00", "debit"), booking(14, "50.00"), over(25)]
    scoring.process(records(story))
    assert told(scoring)[1:] == [("open", "mid", "low", day(21)), ("cleared", "mid", "low", day(21))]


def test_a_pending_downgrade_says_what_would_keep_the_tier(scoring: Scoring) -> None:
    """240.00 keep the tier, 200.00 are there."""
    scoring.process(records([booking(0, "400.00"), booking(12, "200.00", "debit"), over(13)]))
    message = msgspec.json.decode(scoring.told()[-1][2])
    assert message["shortfall"] == "40.00 CZK short of mid"


def test_a_late_event_corrects_the_path_and_is_told_with_the_next_close(scoring: Scoring) -> None:
    """What was believed stays in the history with the days between which it was believed."""
    scoring.process(records([booking(0, "100.00"), over(10)]))
    before = scoring.paths()["ann"]["assets"]
    late = records([over(0), over(0), booking(3, "300.00"), over(11)])
    scoring.process(late[2:3])
    after = scoring.paths()["ann"]["assets"]
    assert [point[1] for point in before] == ["low"]
    assert [(point[0] - before[0][0], point[1]) for point in after] == [(0, "low"), (3, "mid")]
    assert told(scoring)[-1] == ("up", "mid", day(10))  # the open day's running assets reached it
    scoring.process(late[3:])
    assert told(scoring)[-1] == ("up", "mid", day(10))
    assert scoring.digest().paths_differing == 0


def test_a_reversal_gives_the_tier_as_if_the_booking_had_never_been(scoring: Scoring) -> None:
    """Both in order and late, and a second reversal has no effect."""
    posted = booking(2, "400.00", transaction="t-x")
    row = posted.data
    assert isinstance(row, bank.TransactionPosted)
    reversal = bank.TransactionReversed(
        transaction_id="t-x", customer_id="ann", account_id="a", amount=row.amount, direction="credit",
        booking_date=row.booking_date, channel="branch", purpose="transfer", reversed_on=on(20),
    )  # fmt: skip
    story = [booking(0, "100.00"), posted, booking(20, "1.00"), said(reversal), said(reversal), over(22)]
    scoring.process(records(story))
    assert [(point[1], point[3]) for point in scoring.paths()["ann"]["assets"]] == [("low", None)]
    assert scoring.counts()["bank.transaction.reversed.v1", "duplicate"] == 1
    assert told(scoring)[-1][0] == "down"


def test_a_duplicate_has_no_effect_and_other_content_is_a_dead_letter(scoring: Scoring) -> None:
    """The same id with the same content, also after a restart; then the same id with another amount."""
    first = booking(0, "100.00", transaction="t-1")
    other = Said(booking(0, "999.00", transaction="t-1").data, first.time, first.id)
    log = records([first, booking(40, "1.00"), first, other, over(41)])
    scoring.process(log[:2])
    scoring.restart()
    scoring.process(log[2:])
    assert scoring.counts()["bank.transaction.posted.v1", "duplicate"] == 1
    assert scoring.dead_letters() == ["conflicting-content"]
    assert scoring.features(day_of(on(41)))["ann"]["aum_end_of_day"] == 10_100


def test_an_account_that_turns_out_to_be_a_loan_leaves_the_assets(scoring: Scoring) -> None:
    """Until the account is known its money counts; then it does not, from its first booking on."""
    opened = bank.AccountOpened(account_id="a", customer_id="ann", kind="loan", currency="CZK", opened_on=on(0))
    scoring.process(records([booking(0, "400.00"), over(5), said(opened), over(6)]))
    assert [point[1] for point in scoring.paths()["ann"]["assets"]] == ["low"]
    assert [message[:2] for message in told(scoring)] == [("initial", "mid"), ("down", "low")]
