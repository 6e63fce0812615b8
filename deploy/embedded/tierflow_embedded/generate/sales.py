"""Sale requests of the last months: suitable and not, documented and not, within means and beyond."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

import numpy as np

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.book import Book, customer_id
from tierflow_embedded.generate.plan import YUAN, BankPlan
from tierflow_embedded.generate.profiles import money
from tierflow_embedded.generate.reference import CATALOGUE, ROLES, ProductRow, manager_id
from tierflow_shared.contracts.bank import Evidence, EvidenceKind, SaleRequested

REQUESTS_PER_CUSTOMER: Final = 0.7
_HIGH_RISK_LEVEL: Final = 4
_PRIVATE: Final = tuple(row for row in CATALOGUE if row.private)
_PUBLIC: Final = tuple(row for row in CATALOGUE if not row.private)
_BOTH: Final[tuple[EvidenceKind, ...]] = ("disclosure", "match-opinion")
_DOCUMENTED: Final[tuple[tuple[EvidenceKind, ...], ...]] = (
    _BOTH,
    _BOTH,
    (*_BOTH, "recording"),
    ("disclosure",),
    (),
)


def sale_requests(plan: BankPlan, book: Book, day: int) -> Iterator[Envelope]:
    """The sales asked for on one working day."""
    on = plan.day(day)
    if day < plan.sales_from or on.weekday() > 4:
        return
    random = plan.random(3, day)
    working_days = max(1, (plan.days - plan.sales_from) * 5 // 7)
    asking = random.random(len(book)) < REQUESTS_PER_CUSTOMER / working_days
    for index in np.flatnonzero(asking & (book.joined <= day)).tolist():
        second = int(random.integers(7_200, 32_400))
        moment = datetime.combine(on, time(), UTC) + timedelta(seconds=second)
        sale = _request(book, index, day, moment, random)
        yield Envelope(f"{sale.sale_id}-requested", plan.source, moment, sale)


def _request(book: Book, index: int, day: int, moment: datetime, random: np.random.Generator) -> SaleRequested:
    product = _product(book, index, random)
    sale_id = f"sale-{day:04d}-{index:07d}"
    by_customer = bool(random.random() < 0.4)
    online = by_customer and bool(random.random() < 0.5)
    channel: Literal["branch", "phone", "online", "mobile"] = "mobile" if online else "branch"
    return SaleRequested(
        sale_id=sale_id,
        customer_id=customer_id(index),
        product_id=product.id,
        amount=money(_amount_minor(book, index, product, random)),
        requested_at=moment,
        initiated_by="customer" if by_customer else "bank",
        channel=channel,
        staff_id=None if online else manager_id(_seller(book, index, random)),
        years_to_pay=product.years_to_pay or None,
        evidence=_evidence(book, index, product, sale_id, moment, random),
    )


def _product(book: Book, index: int, random: np.random.Generator) -> ProductRow:
    rich = int(book.balance_minor[index]) >= 3_000_000 * YUAN
    choice = _PRIVATE if rich and random.random() < 0.4 else _PUBLIC
    return choice[int(random.integers(0, len(choice)))]


def _amount_minor(book: Book, index: int, product: ProductRow, random: np.random.Generator) -> int:
    """A part of the money at hand, at least the product's minimum; one in twenty asks beyond its means."""
    share = 3.0 if random.random() < 0.05 else 0.05 + 0.3 * random.random()
    yuan = int(int(book.balance_minor[index]) / YUAN * share) // 100 * 100
    return max(yuan, product.minimum, 100) * YUAN


def _seller(book: Book, index: int, random: np.random.Generator) -> int:
    """Usually the customer's own RM; one sale in eight is tried by general sales staff without a licence."""
    own = int(book.manager[index])
    return own if random.random() < 0.875 else own // len(ROLES) * len(ROLES) + len(ROLES) - 1


def _evidence(
    book: Book, index: int, product: ProductRow, sale_id: str, moment: datetime, random: np.random.Generator
) -> tuple[Evidence, ...]:
    kinds: list[EvidenceKind] = list(_DOCUMENTED[int(random.integers(0, len(_DOCUMENTED)))])
    if book.age[index] >= 65 and max(product.level, product.issuer_level) >= _HIGH_RISK_LEVEL and random.random() < 0.5:
        kinds.append("special-care")
    if product.private and random.random() < 0.7:
        kinds.append("qualified-investor")
    if product.uncertain and random.random() < 0.6:
        kinds.append("income-declaration")
    before = moment - timedelta(minutes=20)
    return tuple(Evidence(kind=kind, reference=f"{sale_id}/{kind}", recorded_at=before) for kind in kinds)
