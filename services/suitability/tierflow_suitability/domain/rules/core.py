"""Rules of the pack `core`: they hold for every product of every regime."""

from collections.abc import Mapping
from typing import Final

from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.findings import Answer, blocked, noted, passed, referred, wanting
from tierflow_suitability.domain.rules.amounts import minor
from tierflow_suitability.domain.rules.base import Check, Parameters


def customer_known(case: Case, _: Parameters) -> Answer:
    """The bank must know whom it sells to."""
    if case.customer.known:
        return passed("the customer is known", kind=case.customer.kind)
    return wanting("customer", "the bank has not told us about this customer")


def kyc_valid(case: Case, _: Parameters) -> Answer:
    """Due diligence missing, expired or under review: no sale is confirmed."""
    status, until = case.customer.kyc_status, case.customer.kyc_valid_until
    inputs = {"status": status, "valid_until": until.isoformat() if until else None, "on": case.on.isoformat()}
    if status == "verified" and (until is None or case.on <= until):
        return passed("identity is verified", **inputs)
    if status == "verified":
        return wanting("kyc", "due diligence has expired", **inputs)
    return wanting("kyc", f"due diligence is {status or 'missing'}", **inputs)


def product_on_sale(case: Case, _: Parameters) -> Answer:
    """Only a product that is on sale that day can be sold."""
    product = case.product
    until = product.on_sale_until
    inputs = {
        "on": case.on.isoformat(),
        "on_sale_from": product.on_sale_from.isoformat(),
        "on_sale_until": until.isoformat() if until else None,
    }
    if product.on_sale_from <= case.on and (until is None or case.on <= until):
        return passed("the product is on sale", **inputs)
    return blocked("the product is not on sale on this day", **inputs)


def currency(case: Case, _: Parameters) -> Answer:
    """A product is sold in its own currency."""
    inputs = {"currency": case.request.amount.currency, "product_currency": case.product.currency}
    if case.request.amount.currency == case.product.currency:
        return passed("the currency is the product's", **inputs)
    return blocked("the product is sold in another currency", **inputs)


def minimum_amount(case: Case, _: Parameters) -> Answer:
    """Not below the product's smallest amount, and never nothing."""
    amount, least = case.request.amount, case.product.minimum_amount
    inputs = {"amount": amount.value, "minimum": least.value if least else None}
    if minor(amount) == 0:
        return blocked("the amount is zero", **inputs)
    if least is None or least.currency != amount.currency or minor(amount) >= minor(least):
        return passed("the amount is not below the minimum", **inputs)
    return blocked("the amount is below the product's minimum", **inputs)


def legal_capacity(case: Case, _: Parameters) -> Answer:
    """Without legal capacity: never; with limited capacity: only with the guardian's consent."""
    capacity = case.customer.capacity
    if capacity == "none":
        return blocked("the customer has no legal capacity", capacity=capacity)
    if capacity == "limited":
        return _with_guardian(case, "capacity", capacity)
    return passed("nothing limits the customer's legal capacity", capacity=capacity)


def legal_age(case: Case, parameters: Parameters) -> Answer:
    """Children have no legal capacity, minors a limited one (Civil Code of the PRC, articles 18 to 20)."""
    customer = case.customer
    if customer.kind in ("company", "institution"):
        return passed("not a natural person", kind=customer.kind)
    if customer.age is None:
        return wanting("birth-date", "the customer's age is not known", age=None)
    if customer.age < parameters.integer("no_capacity_below_age"):
        return blocked("a child has no legal capacity", age=customer.age)
    if customer.age < parameters.integer("limited_capacity_below_age"):
        return _with_guardian(case, "age", customer.age)
    return passed("of age", age=customer.age)


def _with_guardian(case: Case, name: str, value: str | int) -> Answer:
    if case.has("guardian-consent"):
        return noted("the guardian has consented", **{name: value})
    return wanting("guardian-consent", "legal capacity is limited: the guardian must consent", **{name: value})


def large_amount(case: Case, _: Parameters) -> Answer:
    """From the product's threshold on a second person decides."""
    amount, threshold = case.request.amount, case.product.large_amount
    inputs = {"amount": amount.value, "threshold": threshold.value if threshold else None}
    if threshold is None:
        return passed("the product has no threshold for large amounts", **inputs)
    if threshold.currency == amount.currency and minor(amount) < minor(threshold):
        return passed("not a large amount", **inputs)
    return referred("a large amount needs a second person", **inputs)


def vulnerable_customer(case: Case, parameters: Parameters) -> Answer:
    """A customer marked as vulnerable gets special care before a product with risk."""
    inputs = {"vulnerable": case.customer.vulnerable, "product_level": case.product_level}
    if not case.customer.vulnerable or case.product_level < parameters.integer("vulnerable_from_level"):
        return passed("no special care for vulnerability is needed", **inputs)
    if case.has("special-care"):
        return noted("special care was taken", **inputs)
    return wanting("special-care", "a vulnerable customer needs special care", **inputs)


def horizon(case: Case, _: Parameters) -> Answer:
    """Money must not be locked up for longer than the customer can do without it."""
    assessment, lock_up_days = case.customer.assessment, case.product.lock_up_days
    stated = assessment.horizon_days if assessment and assessment.answered_at <= case.at else None
    inputs = {"lock_up_days": lock_up_days, "horizon_days": stated}
    if lock_up_days == 0 or stated is None or lock_up_days <= stated:
        return passed("the lock-up fits what is known of the customer's horizon", **inputs)
    return referred("the money is locked up for longer than the customer wants", **inputs)


CORE_CHECKS: Final[Mapping[str, Check]] = {
    "customer-known": Check(customer_known, {}),
    "kyc-valid": Check(kyc_valid, {}),
    "product-on-sale": Check(product_on_sale, {}),
    "currency": Check(currency, {}),
    "minimum-amount": Check(minimum_amount, {}),
    "legal-capacity": Check(legal_capacity, {}),
    "legal-age": Check(legal_age, {"no_capacity_below_age": int, "limited_capacity_below_age": int}),
    "large-amount": Check(large_amount, {}),
    "vulnerable-customer": Check(vulnerable_customer, {"vulnerable_from_level": int}),
    "horizon": Check(horizon, {}),
}
