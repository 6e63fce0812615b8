"""Random interleavings of everything that can happen to sales: nothing is confirmed before its approved decision."""

import contextlib
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tests.integration.suitability import facts
from tests.property.suitability.service import OFFICE, Service, record
from tierflow_shared.contracts.bank import Evidence, KycUpdated
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data
from tierflow_suitability.domain.assessments import LimitReachedError
from tierflow_suitability.domain.sales import Sale
from tierflow_suitability.handlers.assessing import UnknownCustomerError, answer, confirm_level
from tierflow_suitability.handlers.requests import SaleOrder, decide_sales
from tierflow_suitability.handlers.steps import (
    Action,
    Actor,
    Step,
    approve,
    confirm,
    decline,
    submit_evidence,
    take_step,
    withdraw,
)
from tierflow_suitability.ports import Desk, Needed

PEOPLE = st.sampled_from(["teller", "head", "core", "c-1"])
KINDS = st.sampled_from(["disclosure", "match-opinion", "special-care", "income-declaration"])


class SaleMachine(RuleBasedStateMachine):
    """One customer, two products, any number of sales, over the real handlers and a real database."""

    sales = Bundle("sales")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.service = Service(Path(self.folder.name))
        self.number = 0

    def teardown(self) -> None:
        self.service.database.close()
        self.folder.cleanup()

    def _tell(self, data: Data) -> None:
        self.number += 1
        self.service.consume([record(self.number, f"e-{self.number}", data, self.service.clock.now())])

    def _step(self, sale_id: str, person: str, action: Callable[[Desk], Action]) -> Step:
        needed = Needed(sales=frozenset({sale_id}))
        return self.service.step(needed, lambda desk: take_step(desk, OFFICE, sale_id, Actor(person), action(desk)))

    def _sale(self, sale_id: str) -> Sale:
        found = self.service.queries.sale(sale_id)
        assert found is not None
        return found[0]

    @initialize()
    def a_customer(self) -> None:
        """Everything in order at first: what goes wrong comes later."""
        self._tell(facts.customer()[1])
        self.kyc(verified=True, until=date(2027, 1, 1))
        self.product(category="card", level=2, large=True)
        self.assess(loss="10-30")

    @rule(verified=st.booleans(), until=st.sampled_from([date(2026, 3, 2), date(2027, 1, 1)]))
    def kyc(self, verified: bool, until: date) -> None:
        status = "verified" if verified else "under-review"
        news = facts.kyc("c-1", status, effective_on=date(2026, 1, 1), valid_until=until)[1]
        assert isinstance(news, KycUpdated)
        self._tell(news)

    @rule(category=st.sampled_from(["card", "wealth"]), level=st.sampled_from([2, 5]), large=st.booleans())
    def product(self, category: str, level: int, large: bool) -> None:
        threshold = facts.money("1000") if large else None
        self._tell(facts.product(f"p-{category}", category=category, level=level, large_amount=threshold)[1])

    @rule(loss=st.sampled_from(["below-10", "10-30"]))
    def assess(self, loss: str) -> None:
        needed = Needed(customers=frozenset({"c-1"}), open_sales_of=frozenset({"c-1"}))
        answers = {**facts.BALANCED_ANSWERS, "loss": loss}
        with contextlib.suppress(LimitReachedError, UnknownCustomerError):
            self.service.step(needed, lambda d: answer(d, OFFICE, "c-1", ("cn-retail", "2026.1"), answers, "c-1"))

    @rule()
    def confirm_level(self) -> None:
        needed = Needed(customers=frozenset({"c-1"}), open_sales_of=frozenset({"c-1"}))
        for one in self.service.queries.assessments("c-1")[:1]:
            self.service.step(needed, lambda d, a=one: confirm_level(d, OFFICE, "c-1", a.assessment_id, "c-1"))

    @rule(target=sales, category=st.sampled_from(["card", "wealth"]), documented=st.booleans())
    def request(self, category: str, documented: bool) -> str:
        self.number += 1
        now = self.service.clock.now()
        kinds = ("disclosure", "match-opinion") if documented else ()
        papers = tuple(Evidence(kind=kind, reference="r", recorded_at=now) for kind in kinds)  # type: ignore[arg-type]
        _, data, _ = facts.sale_event(f"s-{self.number}", now, product_id=f"p-{category}", evidence=papers)
        order = SaleOrder(data, "core", "hash")  # type: ignore[arg-type]
        needed = Needed(customers=frozenset({"c-1"}), sales=frozenset({f"s-{self.number}"}))
        self.service.step(needed, lambda desk: decide_sales(desk, OFFICE, [order]))
        return f"s-{self.number}"

    @rule(sale_id=sales, kind=KINDS, person=PEOPLE)
    def document(self, sale_id: str, kind: str, person: str) -> None:
        paper = Evidence(kind=kind, reference="r", recorded_at=self.service.clock.now())  # type: ignore[arg-type]
        self._step(sale_id, person, lambda desk: submit_evidence(desk, OFFICE, paper, Actor(person)))

    @rule(sale_id=sales, person=PEOPLE, yes=st.booleans())
    def judge(self, sale_id: str, person: str, yes: bool) -> None:
        before = self._sale(sale_id)
        number = before.decision_id or "none"
        actor = Actor(person)
        step = self._step(
            sale_id,
            person,
            lambda desk: approve(desk, OFFICE, number, "checked", actor) if yes else decline(desk, number, "no", actor),
        )
        if person in ("core", "c-1"):
            assert step.error is not None

    @rule(sale_id=sales, person=PEOPLE)
    def confirm(self, sale_id: str, person: str) -> None:
        before = self._sale(sale_id)
        number = before.decision_id or "none"
        step = self._step(sale_id, person, lambda desk: confirm(desk, OFFICE, number, Actor(person)))
        if step.error is None:
            assert before.state in ("approved", "confirmed")

    @rule(sale_id=sales, person=PEOPLE)
    def cancel(self, sale_id: str, person: str) -> None:
        self._step(sale_id, person, lambda desk: withdraw(desk, Actor(person)))

    @rule(days=st.sampled_from([0, 1, 20, 400]))
    def time_passes(self, days: int) -> None:
        self.service.clock.advance(timedelta(days=days, minutes=1))

    @rule(ahead=st.sampled_from([0, 31]))
    def a_day_is_over(self, ahead: int) -> None:
        self._tell(BusinessDateAdvanced(business_date=self.service.clock.now().date() + timedelta(days=ahead)))

    @invariant()
    def nothing_is_confirmed_before_its_approved_decision(self) -> None:
        """Read off what the world was told, in the order in which it was told."""
        approved: set[tuple[str, str]] = set()
        ended: dict[str, str] = {}
        for event_type, data in self.service.said():
            sale_id = data.get("sale_id", "")
            if event_type == "tierflow.sale.decided.v1":
                assert sale_id not in ended
                approved = {one for one in approved if one[0] != sale_id}
                if data["outcome"] == "approved":
                    approved.add((sale_id, data["decision_id"]))
            elif event_type == "tierflow.sale.confirmed.v1":
                assert (sale_id, data["decision_id"]) in approved
                assert sale_id not in ended
                ended[sale_id] = "confirmed"
            elif event_type == "tierflow.sale.rejected.v1":
                assert sale_id not in ended
                ended[sale_id] = "rejected"

    @invariant()
    def the_books_agree(self) -> None:
        """States, decisions and the audit log tell the same story."""
        assert self.service.queries.verify_audit().intact
        for sale in self.service.queries.sales(None, None, None, 1000):
            if sale.state == "requested":
                assert sale.decision_id is None
                assert sale.waiting_for == ("product",)
            elif sale.state == "confirmed":
                assert sale.outcome == "approved"
                assert sale.needs == ()


TestSales = SaleMachine.TestCase
TestSales.settings = settings(max_examples=20, stateful_step_count=25)
