"""The life of a sale, and the four eyes."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from tests.unit.suitability.build import AT, REQUEST, case, cny, decision, papers
from tierflow_shared.contracts.bank import Evidence
from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.sales import (
    Sale,
    SaleError,
    confirmed,
    decided,
    declined,
    expired,
    is_overdue,
    with_approval,
    with_evidence,
    withdrawn,
)

NEW = Sale(request=REQUEST, requested_by="teller-1", request_hash="h", state="requested", expires_on=date(2026, 4, 1))
LARGE = case(product={"large_amount": cny("1")})
PAPER = papers("recording")[0]


def under(one: Case, sale: Sale = NEW) -> Sale:
    return decided(sale, decision(one), "d-1", AT)


def refused(code: str) -> "pytest.RaisesExc[SaleError]":
    return pytest.raises(SaleError, check=lambda error: error.code == code)


APPROVED, REFERRED, NEEDY = under(case()), under(LARGE), under(case(evidence=()))


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (case(), "approved"),
        (case(evidence=()), "needs-evidence"),
        (LARGE, "referred"),
        (case(product={"seller_risk_level": 5}), "rejected"),
    ],
)
def test_a_decision_sets_the_state(one: Case, state: str) -> None:
    """A blocked sale is over at once."""
    sale = under(one)
    assert sale.state == state
    assert (sale.closed_reason == "blocked") is (state == "rejected")


def test_an_approved_sale_is_confirmed_once_asked() -> None:
    """It names its decision, and the rules still agree."""
    done = confirmed(APPROVED, "d-1", decision(case()), "core-banking", AT)
    assert (done.state, done.closed_by) == ("confirmed", "core-banking")


@pytest.mark.parametrize(
    ("sale", "code"),
    [
        (NEW, "undecided"),
        (NEEDY, "not-approved"),
        (REFERRED, "not-approved"),
        (under(case(product={"seller_risk_level": 5})), "sale-closed"),
        (replace(APPROVED, decision_id="d-2"), "other-decision"),
        (withdrawn(APPROVED, "x", AT), "sale-closed"),
        (expired(APPROVED, AT), "sale-closed"),
    ],
)
def test_nothing_else_is_ever_confirmed(sale: Sale, code: str) -> None:
    """Undecided, waiting, referred, closed, or decided anew."""
    with refused(code):
        confirmed(sale, "d-1", decision(case()), "core-banking", AT)


def test_a_confirmation_fails_when_the_rules_object_on_the_day() -> None:
    """The decision of the day of confirmation counts."""
    with refused("not-approved"):
        confirmed(APPROVED, "d-1", decision(case(customer={"kyc_status": "under-review"})), "core-banking", AT)


@pytest.mark.parametrize("person", ["teller-1", "c-1", "rm-9", "clerk-2"])
def test_four_eyes_are_four(person: str) -> None:
    """Requester, customer, seller and whoever brought a document cannot decide."""
    request = replace(REQUEST, staff_id="rm-9")
    sale = with_evidence(replace(REFERRED, request=request), PAPER, "clerk-2", AT)
    with refused("four-eyes"):
        with_approval(sale, "d-1", person, "looks fine", AT)
    with refused("four-eyes"):
        declined(sale, "d-1", person, AT)
    assert with_approval(sale, "d-1", "head-1", "checked", AT).approvals[0].subject == "head-1"


def test_an_approver_cannot_document_afterwards() -> None:
    """The roles stay apart in both directions."""
    sale = with_approval(REFERRED, "d-1", "head-1", "checked", AT)
    with refused("four-eyes"):
        with_evidence(sale, PAPER, "head-1", AT)


def test_an_approval_covers_what_was_seen_and_no_more() -> None:
    """The same finding with the same inputs is settled; with other inputs it is referred again."""
    approvals = with_approval(REFERRED, "d-1", "head-1", "checked", AT).approvals
    assert decision(replace(LARGE, approvals=approvals)).outcome == "approved"
    other = case(product={"large_amount": cny("2")}, approvals=approvals)
    assert decision(other).outcome == "referred"


def test_there_must_be_something_to_approve() -> None:
    """Missing documents are not waved through."""
    with refused("nothing-to-approve"):
        with_approval(NEEDY, "d-1", "head-1", "please", AT)
    with refused("other-decision"):
        with_approval(REFERRED, "d-0", "head-1", "please", AT)


def test_evidence_is_dated_before_now_and_counts_once() -> None:
    """A document from the future is refused, the same one twice changes nothing."""
    sale = with_evidence(NEEDY, PAPER, "clerk-2", AT)
    assert with_evidence(sale, PAPER, "clerk-3", AT) is sale
    later = Evidence(kind="recording", reference="r", recorded_at=AT + timedelta(seconds=1))
    with refused("evidence-in-future"):
        with_evidence(NEEDY, later, "clerk-2", AT)


def test_a_sale_takes_a_limited_number_of_documents() -> None:
    """The hundred and first is refused."""
    sale = NEEDY
    for number in range(100):
        document = Evidence(kind="recording", reference=f"r-{number}", recorded_at=AT)
        sale = with_evidence(sale, document, "clerk-2", AT)
    with refused("too-much-evidence"):
        with_evidence(sale, PAPER, "clerk-2", AT)


def test_time_runs_out_after_the_last_day() -> None:
    """The last day is included; a closed sale does not expire."""
    assert not is_overdue(APPROVED, date(2026, 4, 1))
    assert is_overdue(APPROVED, date(2026, 4, 2))
    assert not is_overdue(withdrawn(APPROVED, "x", AT), date(2026, 4, 2))
    assert (expired(APPROVED, AT).state, expired(APPROVED, AT).closed_reason) == ("expired", "expired")
