"""Facts and sale requests as the log brings them: what waits, what is judged again, what is refused."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.suitability import facts
from tests.property.suitability.service import NOW, OFFICE, Service, record, service
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_suitability.domain.sales import Sale
from tierflow_suitability.handlers.steps import Actor, Step, confirm, take_step
from tierflow_suitability.ports import Needed


class Log:
    """Hands events to the service one poll at a time."""

    def __init__(self, running: Service) -> None:
        self.service, self.offset = running, 0

    def tell(self, *told: facts.Told, partition: int = 0) -> None:
        records = []
        for one in told:
            self.offset += 1
            records.append(record(self.offset, *one, partition=partition))
        self.service.consume(records)

    def sale(self, sale_id: str = "s-1") -> Sale:
        found = self.service.queries.sale(sale_id)
        assert found is not None
        return found[0]

    def confirm(self, sale_id: str = "s-1") -> Step:
        number = self.sale(sale_id).decision_id or "none"
        action = Actor("core-banking")
        return self.service.step(
            Needed(sales=frozenset({sale_id})),
            lambda desk: take_step(desk, OFFICE, sale_id, action, confirm(desk, OFFICE, number, action)),
        )

    def refusals(self) -> list[str]:
        return [data["reason"] for kind, data in self.service.said() if kind == "tierflow.dead-letter.recorded.v1"]

    def words(self) -> list[str]:
        return [kind.removeprefix("tierflow.sale.").removesuffix(".v1") for kind, _ in self.service.said()]


@pytest.fixture
def log(tmp_path: Path, database_url: str | None) -> Iterator[Log]:
    with service(tmp_path, database_url) as running:
        yield Log(running)


def card(**changes: Any) -> facts.Told:
    return facts.product("p-card", category="card", **changes)


def order(sale_id: str = "s-1", hours: int = 0, **changes: Any) -> facts.Told:
    return facts.sale_event(sale_id, NOW + timedelta(hours=hours), **{"product_id": "p-card", **changes})


def day_over(day: date) -> facts.Told:
    return (f"day-{day}", BusinessDateAdvanced(business_date=day), datetime(2026, 5, 1, tzinfo=UTC))


def test_a_request_is_decided_and_told(log: Log) -> None:
    """Everything known: approved on the day of the request."""
    log.tell(facts.customer(), facts.kyc(), card(), order())
    assert log.sale().state == "approved"
    assert log.words() == ["decided"]
    assert log.service.consumption()["bank.sale.requested.v1", "applied"] == 1


def test_a_sale_of_an_unknown_product_waits_and_is_decided_when_it_comes(log: Log) -> None:
    """Undecided and never confirmed meanwhile."""
    log.tell(facts.customer(), facts.kyc(), order())
    assert (log.sale().state, log.sale().waiting_for, log.words()) == ("requested", ("product",), [])
    refused = log.confirm().error
    assert refused is not None
    assert refused.code == "undecided"
    log.tell(card())
    assert (log.sale().state, log.words()) == ("approved", ["decided"])


def test_a_sale_by_unknown_staff_waits_for_the_staff(log: Log) -> None:
    """First the product, then the adviser; then it is decided."""
    log.tell(facts.customer(), facts.kyc(), order(product_id="p-1", staff_id="rm-1"))
    log.tell(facts.product())
    assert (log.sale().state, log.sale().waiting_for) == ("requested", ("staff",))
    log.tell(facts.adviser())
    assert log.sale().state == "needs-evidence"


def test_a_waiting_sale_is_decided_on_what_was_known_when_it_was_asked(log: Log) -> None:
    """News about the customer that came in between is judged afterwards, in the same order."""
    log.tell(facts.customer(), order(), facts.kyc(), card())
    late = log.sale()
    log.tell(order("s-2"))
    assert late.decisions == 2
    assert (late.state, late.outcome) == ("approved", "approved")
    assert log.words() == ["decided", "decided", "decided"]


def test_due_diligence_that_arrives_reopens_the_decision(log: Log) -> None:
    """Needs KYC, gets KYC, is approved."""
    log.tell(facts.customer(), card(), order())
    assert (log.sale().state, log.sale().needs) == ("needs-evidence", ("kyc",))
    log.tell(facts.kyc())
    assert log.sale().state == "approved"


def test_an_unknown_customer_is_waited_for_with_a_decision(log: Log) -> None:
    """The sale says what is missing."""
    log.tell(card(), order())
    assert log.sale().needs == ("customer", "kyc", "birth-date")


def test_a_sale_expires_when_its_days_are_over(log: Log) -> None:
    """Thirty days are included; the partition that brought the request closes it."""
    log.tell(facts.customer(), facts.kyc(), card(), order())
    log.tell(day_over(date(2026, 4, 1)))
    log.tell(day_over(date(2026, 4, 5)), partition=1)
    assert log.sale().state == "approved"
    log.tell(day_over(date(2026, 4, 2)))
    assert (log.sale().state, log.words()) == ("expired", ["decided", "rejected"])


def test_a_waiting_sale_expires_after_its_decision(log: Log) -> None:
    """It ends as if the product had come in time: decided, then expired."""
    log.tell(facts.customer(), facts.kyc(), order())
    log.tell(day_over(date(2026, 4, 2)))
    assert log.sale().state == "requested"
    log.tell(card())
    assert (log.sale().state, log.sale().outcome) == ("expired", "approved")
    assert log.words() == ["decided", "rejected"]


def test_only_an_approved_decision_is_confirmed_even_if_the_rules_agree_by_now(log: Log) -> None:
    """The product's threshold was lifted: the referred sale still needs its own decision."""
    log.tell(facts.customer(), facts.kyc(), card(large_amount=facts.money("1")), order())
    assert log.sale().state == "referred"
    _, relaxed, _ = card()
    log.tell(("product-again", relaxed, NOW))
    refused = log.confirm().error
    assert refused is not None
    assert refused.code == "not-approved"
    assert log.sale().state == "referred"


def test_a_confirmation_asks_the_rules_again(log: Log) -> None:
    """KYC is under review by now: the sale is open again and says so."""
    log.tell(facts.customer(), facts.kyc(), card(), order())
    _, reviewed, time = facts.kyc(status="under-review")
    log.tell(("kyc-2", reviewed, time + timedelta(hours=1)))
    refused = log.confirm().error
    assert refused is not None
    assert refused.code == "decision-changed"
    assert (log.sale().state, log.sale().needs, log.sale().decisions) == ("needs-evidence", ("kyc",), 2)
    assert log.words() == ["decided", "decided"]


def test_a_blocked_sale_is_rejected_by_itself(log: Log) -> None:
    """Decided and rejected in the same breath."""
    log.tell(facts.customer(legal_capacity="none"), facts.kyc(), card(), order())
    assert (log.sale().state, log.sale().closed_reason) == ("rejected", "blocked")
    assert log.words() == ["decided", "rejected"]


def test_repetitions_have_no_second_effect(log: Log) -> None:
    """In the same poll or much later, under the same id or under a new one."""
    everything = (facts.customer(), facts.kyc(), card(), order())
    log.tell(*everything, *everything)
    log.tell(*everything)
    _, data, time = order()
    log.tell(("another-id", data, time))
    assert log.words() == ["decided"]
    counted = log.service.consumption()
    assert counted["bank.sale.requested.v1", "duplicate"] == 3
    assert counted["bank.customer.updated.v1", "applied"] == 1
    assert counted["bank.customer.updated.v1", "duplicate"] == 2


def test_the_same_id_with_other_content_is_refused(log: Log) -> None:
    """For events and for sales; the first one stands."""
    log.tell(facts.customer(), facts.kyc(), card(), order())
    log.tell(order(amount=facts.money("1")))
    _, other, time = order(amount=facts.money("2"))
    log.tell(("another-id", other, time))
    assert sorted(log.refusals()) == ["id-reused", "sale-id-reused"]
    assert log.sale().request.amount.value == "50000"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (order(amount=PositiveMoney(value="1", currency="XXX")), "bad-money"),
        (order(amount=PositiveMoney(value="1.001", currency="CNY")), "bad-money"),
        (card(currency="XXX"), "bad-money"),
        (order(hours=24 * 365 * 200), "date-out-of-range"),
        (facts.sale_event("s-1", datetime(1899, 1, 1, tzinfo=UTC)), "date-out-of-range"),
    ],
)
def test_what_nobody_can_reckon_with_is_refused(log: Log, told: facts.Told, reason: str) -> None:
    """A dead letter, and the rest of the poll goes on."""
    log.tell(told, facts.customer())
    assert log.refusals() == [reason]
    assert log.service.consumption()["bank.customer.updated.v1", "applied"] == 1


def test_a_birth_date_is_in_its_own_table_and_nowhere_else(log: Log) -> None:
    """Neither registers nor decisions nor messages carry it, nor the name."""
    log.tell(facts.customer(born=date(1949, 11, 23)), facts.kyc(), card(), order())
    with log.service.database.reading() as connection:
        for name in ("customer", "sale", "audit", "outbox", "assessment", "reference", "seen", "mark"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {name}").all()
            assert not any("1949-11-23" in str(row) or "Li Hua" in str(row) for row in rows), name
        assert "1949-11-23" in str(connection.exec_driver_sql("SELECT * FROM person").all())


AS_BYTES = (
    "replace(content, 'approved', 'blocked!')",
    "convert_to(replace(convert_from(content, 'UTF8'), 'approved', 'blocked!'), 'UTF8')",
)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit SET content = replace(content, 'approved', 'blocked!') WHERE seq = 1",
        "UPDATE audit SET decision_id = 'decision-other' WHERE seq = 1",
        "UPDATE audit SET kind = 'sale-expired' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE mark SET value = '1:' || (SELECT hash FROM audit WHERE seq = 2) WHERE name = 'audit'",
    ],
)
def test_tampering_with_the_log_shows(log: Log, damage: str) -> None:
    """Whatever row is changed or removed, verification says so."""
    log.tell(facts.customer(), facts.kyc(), card(), order(), order("s-2"))
    assert log.service.queries.verify_audit().entries == 2
    with log.service.database.writing() as uow:
        uow.connection.exec_driver_sql(damage if log.service.database.is_sqlite else damage.replace(*AS_BYTES))
    assert not log.service.queries.verify_audit().intact


def test_the_digest_tells_sales_apart_by_outcome_and_state(log: Log) -> None:
    """It counts by outcome and rule, and changes with every sale."""
    log.tell(facts.customer(), facts.kyc(), card(), order())
    first = log.service.queries.digest()
    log.tell(order("s-2", amount=facts.money("0")))
    second = log.service.queries.digest()
    assert first.digest != second.digest
    assert second.by_outcome == {"approved": 1, "blocked": 1}
    assert second.by_rule["core.minimum-amount"] == {"block": 1, "pass": 1}
    assert second.by_state == {"approved": 1, "rejected": 1}
