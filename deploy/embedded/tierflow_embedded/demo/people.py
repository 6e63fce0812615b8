"""The people of a played bank, each with a token of their own: customers who answer, staff who document and confirm."""

import zlib
from datetime import UTC, datetime
from typing import Any, Final, get_args

from tierflow_embedded.access import Tokens
from tierflow_embedded.generate.questionnaire import QUESTIONNAIRE, VERSION, Answered
from tierflow_shared.contracts.bank import EvidenceKind
from tierflow_shared.web.client import ApiClient, ApiError

ADVISER: Final = "adviser-lin"
HEAD: Final = "head-of-department-zhao"
_DOCUMENTS: Final = frozenset(get_args(EvidenceKind))
_REFUSED: Final = frozenset({403, 404, 409})


class People:
    """What customers and staff do over HTTP."""

    def __init__(self, client: ApiClient, tokens: Tokens) -> None:
        self._client, self._tokens = client, tokens
        self.answered = self.confirmed = self.documented = 0

    def answer(self, given: Answered) -> None:
        """A customer answers the questionnaire, and confirms the level if it has changed."""
        customer = given.customer_id
        token = self._tokens.mint(customer, ["assessments:write"], customer=customer)
        path = f"/suitability/v1/customers/{customer}/assessments"
        body = {"questionnaire": QUESTIONNAIRE, "version": VERSION, "answers": given.answers}
        key = f"answers-{customer}-{given.moment.date().isoformat()}"
        assessment = self._client.post(path, body, token=token, key=key).body
        if not assessment["confirmed"]:
            self._client.post(f"{path}/{assessment['assessment_id']}/confirmation", b"", token=token)
        self.answered += 1

    def work(self, now: datetime) -> None:
        """A day at the office: documents for two sales in three that lack them, approvals, confirmations."""
        adviser = self._tokens.mint(ADVISER, ["sales:write"])
        head = self._tokens.mint(HEAD, ["sales:approve"])
        for sale in self._sales("needs-evidence"):
            if _worked_on(sale):
                self._document(sale, adviser, now)
        for sale in self._sales("referred"):
            if _worked_on(sale):
                opinion = {"decision_id": sale["decision_id"], "verdict": "approve", "reason": "seen and agreed"}
                self._step(sale, "approvals", opinion, head)
        for sale in self._sales("approved"):
            self.confirmed += self._step(sale, "confirm", {"decision_id": sale["decision_id"]}, adviser)

    def _sales(self, state: str) -> list[Any]:
        return list(self._client.pages("/suitability/v1/sales", state=state))

    def _document(self, sale: Any, token: str, now: datetime) -> None:
        """Brings the documents a decision asks for, where all it asks for are documents."""
        if not set(sale["needs"]) <= _DOCUMENTS:
            return
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for kind in sale["needs"]:
            document = {"kind": kind, "reference": f"{sale['sale_id']}/{kind}/later", "recorded_at": moment}
            self.documented += self._step(sale, "evidence", document, token)

    def _step(self, sale: Any, step: str, body: dict[str, Any], token: str) -> int:
        """1 when the step was taken, 0 when the rules, the four eyes or the sale's state forbade it."""
        try:
            self._client.post(f"/suitability/v1/sales/{sale['sale_id']}/{step}", body, token=token)
        except ApiError as refusal:
            if refusal.status not in _REFUSED:
                raise
            return 0
        return 1


def _worked_on(sale: Any) -> bool:
    """Two sales in three; the others stay open, as in any bank."""
    return zlib.crc32(str(sale["sale_id"]).encode()) % 3 > 0
