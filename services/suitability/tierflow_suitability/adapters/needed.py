"""What a transaction will ask for, said before it starts, so that it can be read in a few statements."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Needed:
    """Ids to load. `open_sales_of` are customers with news; `overdue_before` is the newest business date (ISO)."""

    customers: frozenset[str] = frozenset()
    sales: frozenset[str] = frozenset()
    open_sales_of: frozenset[str] = frozenset()
    waiting_products: frozenset[str] = frozenset()
    waiting_staff: frozenset[str] = frozenset()
    overdue_before: str | None = None
