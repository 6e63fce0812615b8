"""Reference data of the synthetic bank: its products and its relationship managers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple, cast

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.plan import CURRENCY, BankPlan
from tierflow_shared.contracts.bank import ProductCategory, ProductUpdated, Qualification, RmUpdated
from tierflow_shared.contracts.primitives import PositiveMoney

Role = Literal["private-banking", "platinum", "personal", "phone-centre", "general-sales"]
ROLES: Final[tuple[Role, ...]] = (
    "private-banking",
    "platinum",
    "platinum",
    "personal",
    "personal",
    "phone-centre",
    "phone-centre",
    "general-sales",
)
_QUALIFIED: Final[dict[Role, tuple[ProductCategory, ...]]] = {
    "private-banking": ("wealth", "trust", "insurance", "fund"),
    "platinum": ("wealth", "trust", "insurance", "fund"),
    "personal": ("wealth", "insurance", "fund"),
    "phone-centre": ("wealth",),
    "general-sales": (),
}


class ProductRow(NamedTuple):
    """A line of the catalogue; amounts in yuan."""

    id: str
    name: str
    name_zh: str
    category: str
    level: int
    issuer_level: int
    minimum: int
    lock_up_days: int = 0
    private: bool = False
    uncertain: bool = False
    years_to_pay: int = 0


CATALOGUE: Final = (
    ProductRow("deposit-1y", "One-year time deposit", "一年期定期存款", "deposit", 1, 1, 50, 365),
    ProductRow("wealth-cash", "Daily cash management", "天天理财", "wealth", 1, 1, 1),
    ProductRow("wealth-steady", "Steady growth 180 days", "稳健增长180天", "wealth", 2, 2, 1_000, 180),
    ProductRow("wealth-balanced", "Balanced 12 months", "平衡12个月", "wealth", 3, 3, 10_000, 365),
    ProductRow("wealth-equity", "Equity enhanced", "权益增强", "wealth", 4, 3, 50_000, 365),
    ProductRow("fund-bond", "Bond fund", "债券基金", "fund", 2, 2, 100),
    ProductRow("fund-mixed", "Mixed fund", "混合基金", "fund", 3, 3, 100),
    ProductRow("fund-tech", "Technology equity fund", "科技股票基金", "fund", 5, 4, 100),
    ProductRow("insurance-term", "Term life insurance", "定期寿险", "insurance", 1, 1, 500),
    ProductRow("insurance-linked", "Unit-linked life insurance", "投资连结保险", "insurance", 3, 3, 10_000,
               uncertain=True, years_to_pay=10),
    ProductRow("trust-income", "Collective trust fixed income", "固定收益集合信托", "trust", 3, 3, 1_000_000, 730,
               private=True),
    ProductRow("trust-growth", "Collective trust growth", "成长型集合信托", "trust", 5, 5, 1_000_000, 1_095,
               private=True),
    ProductRow("loan-consumer", "Consumer loan", "消费贷款", "loan", 1, 1, 1_000),
    ProductRow("card-gold", "Gold credit card", "信用卡金卡", "card", 1, 1, 0),
)  # fmt: skip


def manager_id(index: int) -> str:
    """The id of relationship manager number `index`."""
    return f"rm-{index:05d}"


def role_of(index: int) -> Role:
    return ROLES[index % len(ROLES)]


def qualified(index: int, category: str) -> bool:
    """Does this RM hold a licence for the category for the whole span?"""
    return category in _QUALIFIED[role_of(index)] and not _lapses(index)


def _lapses(index: int) -> bool:
    return index % 24 == 20  # one personal banker in six forgot to renew


def reference_events(plan: BankPlan) -> Iterator[Envelope]:
    """Products, then relationship managers, at midnight of the first day."""
    moment = datetime.combine(plan.start, time(0, 0), UTC)
    for row in CATALOGUE:
        yield Envelope(f"product-{row.id}", plan.source, moment, _product(row, plan.start))
    for index in range(plan.relationship_managers):
        yield Envelope(f"rm-{index:05d}", plan.source, moment, _manager(index, plan))


def _product(row: ProductRow, on_sale_from: date) -> ProductUpdated:
    return ProductUpdated(
        product_id=row.id,
        name=row.name,
        name_zh=row.name_zh,
        category=cast(ProductCategory, row.category),
        issuer_risk_level=row.issuer_level,
        seller_risk_level=row.level,
        currency=CURRENCY,
        placement="private" if row.private else "public",
        minimum_amount=PositiveMoney(value=str(row.minimum), currency=CURRENCY),
        large_amount=PositiveMoney(value="5000000", currency=CURRENCY),
        lock_up_days=row.lock_up_days,
        uncertain_benefit=row.uncertain,
        years_to_pay=row.years_to_pay,
        on_sale_from=on_sale_from,
    )


def _manager(index: int, plan: BankPlan) -> RmUpdated:
    lapse = plan.end - timedelta(days=200) if _lapses(index) else plan.end + timedelta(days=400)
    return RmUpdated(
        rm_id=manager_id(index),
        role=role_of(index),
        region="CN",
        branch_id=f"branch-{index // len(ROLES):03d}",
        qualifications=tuple(
            Qualification(category=category, valid_until=lapse) for category in _QUALIFIED[role_of(index)]
        ),
    )
