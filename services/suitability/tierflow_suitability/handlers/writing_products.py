"""A product written over HTTP: the same register as the bank's events."""

from tierflow_shared.contracts.bank import ProductUpdated
from tierflow_shared.ids import new_id
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.handlers.facts import take_product
from tierflow_suitability.ports import Desk, Office

SOURCE = "/tierflow/suitability"


class NewerProductError(Exception):
    """A statement about the product is dated later than now: this one would not count."""


def write_product(desk: Desk, office: Office, product: ProductUpdated, subject: str) -> bool:
    """Writes a product as it holds from now on. False if that is what was known already.

    Raises:
        NewerProductError: the newest statement is dated in the future.
    """
    newest = desk.newest_product(product.product_id)
    if newest is not None and newest.item == product:
        return False
    if newest is not None and newest.time > desk.now:
        raise NewerProductError(product.product_id)
    version = (desk.now.isoformat(timespec="microseconds"), SOURCE, new_id("product"))
    take_product(desk, office, product, version, desk.now)
    details = {"product_id": product.product_id}
    desk.record(AuditEntry("product-written", desk.now, subject, details=details))
    return True
