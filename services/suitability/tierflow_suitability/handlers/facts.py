"""Takes in what the bank says about customers, products, staff and days: registers, the newest statement wins."""

from datetime import datetime

from tierflow_shared.contracts.bank import CustomerUpdated, HoldingUpdated, KycUpdated, ProductUpdated, RmUpdated
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced, CustomerErased
from tierflow_suitability.domain.customers import (
    Customer,
    Version,
    with_holding,
    with_kyc,
    with_profile,
    without_person,
)
from tierflow_suitability.domain.sales import overdue_while_waiting
from tierflow_suitability.handlers.deciding import expire, reconsider, settle
from tierflow_suitability.handlers.requests import HTTP_PARTITION
from tierflow_suitability.ports import Desk, Office

CustomerNews = CustomerUpdated | KycUpdated | HoldingUpdated | CustomerErased


def take_customer_news(
    desk: Desk, office: Office, news: CustomerNews, version: Version, time: datetime, customer_id: str
) -> None:
    """Keeps what is new about a customer and judges again what waited for it."""
    before = desk.customer(customer_id)
    after = _with_news(before, version, news)
    if after is before:
        return
    desk.keep_customer(customer_id, after)
    reconsider(desk, office, customer_id, time, version[1])


def _with_news(customer: Customer, version: Version, news: CustomerNews) -> Customer:
    if isinstance(news, CustomerUpdated):
        return with_profile(customer, version, news)
    if isinstance(news, KycUpdated):
        return with_kyc(customer, version, news)
    if isinstance(news, CustomerErased):
        return without_person(customer, version)
    return with_holding(customer, version, news)


def take_product(desk: Desk, office: Office, product: ProductUpdated, version: Version, time: datetime) -> bool:
    """Keeps a version of a product and decides the sales that waited for it. False if the version was known."""
    if not desk.keep_product(version, time, product):
        return False
    for sale in desk.waiting_for(product_id=product.product_id):
        settle(desk, office, sale, version[1])
    return True


def take_staff(desk: Desk, office: Office, staff: RmUpdated, version: Version, time: datetime) -> bool:
    """Keeps a version of a member of staff and decides the sales that waited for it."""
    if not desk.keep_staff(version, time, staff):
        return False
    for sale in desk.waiting_for(staff_id=staff.rm_id):
        settle(desk, office, sale, version[1])
    return True


def close_days(desk: Desk, news: BusinessDateAdvanced, partition: int, time: datetime) -> None:
    """All days before the date are over: sales whose last day lies before it expire.

    Each partition carries its own copy and closes the sales whose requests it carried, so the order of the two is
    always the same. Sales requested over HTTP go with partition 0.
    """
    partitions = (partition, HTTP_PARTITION) if partition == 0 else (partition,)
    for one in partitions:
        for sale in desk.overdue(one, news.business_date.isoformat()):
            if sale.state == "requested":
                desk.keep_sale(overdue_while_waiting(sale, time))
            else:
                expire(desk, sale, time)
