"""Products and staff in memory, true as long as the stamp in the database is the one they were read under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, select

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_suitability.adapters.codec import decode_product, decode_staff
from tierflow_suitability.domain.reference import Versioned, with_version

PRODUCT: Final = "product"
STAFF: Final = "staff"

Products = Mapping[str, tuple[Versioned[ProductUpdated], ...]]
Staff = Mapping[str, tuple[Versioned[RmUpdated], ...]]


@dataclass(frozen=True, slots=True)
class References:
    """All versions of all products and members of staff, as of one stamp."""

    stamp: str = ""
    products: Products = field(default_factory=dict)
    staff: Staff = field(default_factory=dict)


class ReferenceCache:
    """Keeps the last references. Stamps are random, so that a stamp of a rolled-back transaction never comes again."""

    def __init__(self) -> None:
        self._current = References()

    def get(self, connection: Connection, table: Table, stamp: str) -> References:
        """The references under `stamp`, read from the database only if they have changed."""
        current = self._current
        if current.stamp != stamp:
            current = self._current = _read(connection, table, stamp)
        return current


def _read(connection: Connection, table: Table, stamp: str) -> References:
    products: dict[str, tuple[Versioned[ProductUpdated], ...]] = {}
    staff: dict[str, tuple[Versioned[RmUpdated], ...]] = {}
    for row in connection.execute(select(table)):
        version = (row.time, row.source, row.event_id)
        time = datetime.fromisoformat(row.time)
        if row.kind == PRODUCT:
            product = Versioned(version, time, decode_product(row.content))
            products[row.item_id] = with_version(products.get(row.item_id, ()), product)
        else:
            member = Versioned(version, time, decode_staff(row.content))
            staff[row.item_id] = with_version(staff.get(row.item_id, ()), member)
    return References(stamp, products, staff)
