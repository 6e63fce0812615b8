"""Rules that protect a customer's means and person (order 7 of 2025: articles 12, 16, 18, 19, 30, 31, 39, 46)."""

from collections.abc import Mapping
from typing import Final

from tierflow_shared.contracts.bank import RmUpdated
from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.findings import Answer, blocked, noted, passed, referred, wanting
from tierflow_suitability.domain.rules.amounts import minor, total
from tierflow_suitability.domain.rules.base import Check, Parameters
from tierflow_suitability.domain.rules.level import is_professional


def within_means(case: Case, parameters: Parameters) -> Answer:
    """Money clearly beyond the customer's means: income of some years and a share of observed or declared assets."""
    customer, amount = case.customer, case.request.amount
    incomes = () if customer.yearly_income is None else (customer.yearly_income,)
    stated = customer.assessment.declared_assets if customer.assessment else None
    income = total(incomes, amount.currency)
    observed = total(customer.holdings, amount.currency)
    declared = total(() if stated is None else (stated,), amount.currency)
    assets_minor = max(observed.minor, declared.minor) * parameters.integer("means_assets_percent") // 100
    means_minor = income.minor * parameters.integer("means_income_years") + assets_minor
    complete = bool(incomes) and stated is not None and income.complete and observed.complete and declared.complete
    inputs = {"amount_minor": minor(amount), "means_minor": means_minor, "means_complete": complete}
    if minor(amount) <= means_minor:
        return passed("the amount is within the customer's means", **inputs)
    if complete:
        return blocked("the amount is clearly beyond the customer's means", **inputs)
    if case.has("income-declaration"):
        return noted("the customer has declared income and assets", **inputs)
    return wanting("income-declaration", "what is known of the customer's means does not cover the amount", **inputs)


def staff_qualified(case: Case, _: Parameters) -> Answer:
    """Whoever sells or advises must be licensed for the kind of product that day."""
    request = case.request
    if request.staff_id is None and request.initiated_by == "customer":
        return passed("no member of staff takes part", initiated_by=request.initiated_by)
    if request.staff_id is None:
        return referred("offered by the bank, but nobody is named", initiated_by=request.initiated_by)
    if case.staff is None or not case.staff.active:
        return blocked("the member of staff is not active", staff_id=request.staff_id)
    until = _licensed_until(case.staff, case.product.category)
    inputs = {"staff_id": request.staff_id, "category": case.product.category, "licensed_until": until}
    if until is not None and case.on.isoformat() <= until:
        return passed("the member of staff is qualified", **inputs)
    return blocked("the member of staff is not qualified for this kind of product", **inputs)


def _licensed_until(staff: RmUpdated, category: str) -> str | None:
    days = [licence.valid_until for licence in staff.qualifications if licence.category == category]
    return max(days).isoformat() if days else None


def special_care(case: Case, parameters: Parameters) -> Answer:
    """Older customers get special care before a product with high risk."""
    if case.customer.kind in ("company", "institution"):
        return passed("not a natural person", kind=case.customer.kind)
    age, level = case.customer.age, case.product_level
    inputs = {"age": age, "product_level": level}
    if level < parameters.integer("high_risk_level"):
        return passed("not a product with high risk", **inputs)
    if age is not None and age < parameters.integer("special_care_age"):
        return passed("below the age of special care", **inputs)
    if case.has("special-care"):
        return noted("special care was taken", **inputs)
    if age is None:
        return wanting("birth-date", "the customer's age is not known", **inputs)
    return wanting("special-care", "an older customer needs special care", **inputs)


def limited_capacity(case: Case, parameters: Parameters) -> Answer:
    """With limited legal capacity only products with low risk, even with the guardian's consent."""
    customer, level = case.customer, case.product_level
    is_minor = customer.kind == "person" and customer.age is not None and customer.age < parameters.integer("adult_age")
    inputs = {"capacity": customer.capacity, "age": customer.age, "product_level": level}
    if customer.capacity == "none":
        return blocked("the customer has no legal capacity", **inputs)
    if customer.capacity == "full" and not is_minor:
        return passed("nothing limits the customer's legal capacity", **inputs)
    if level > parameters.integer("low_risk_level"):
        return blocked("limited legal capacity: only products with low risk", **inputs)
    return passed("a product with low risk", **inputs)


def qualified_investor(case: Case, _: Parameters) -> Answer:
    """Private placements are for qualified investors alone."""
    placement = case.product.placement
    if placement == "public":
        return passed("a public product", placement=placement)
    if is_professional(case):
        return passed("professional investor", placement=placement)
    if case.has("qualified-investor"):
        return passed("the qualified investor is proven", placement=placement)
    return wanting("qualified-investor", "a private product needs proof of a qualified investor", placement=placement)


def disclosure(case: Case, _: Parameters) -> Answer:
    """Product, risks and costs are disclosed before the sale."""
    return _document(case, "disclosure", "the disclosure before the sale")


def match_opinion(case: Case, _: Parameters) -> Answer:
    """The customer is told before the sale how product and customer match."""
    return _document(case, "match-opinion", "the opinion on the match")


def _document(case: Case, kind: str, name: str) -> Answer:
    if is_professional(case):
        return passed("professional investor")
    if case.has(kind):
        return passed(f"{name} is on file")
    return wanting(kind, f"{name} is missing")


def policyholder_declaration(case: Case, parameters: Parameters) -> Answer:
    """Life insurance with uncertain benefit: a signed declaration if the premium weighs heavily."""
    if case.product.category != "insurance" or not case.product.uncertain_benefit:
        return passed("no insurance with uncertain benefit")
    reasons = _heavy_premium(case, parameters)
    inputs = {"reasons": "; ".join(reasons) or None}
    if not reasons:
        return passed("the premium is in proportion", **inputs)
    if case.has("policyholder-declaration"):
        return noted("the policyholder has signed the declaration", **inputs)
    return wanting("policyholder-declaration", "the policyholder must sign a declaration", **inputs)


def _heavy_premium(case: Case, parameters: Parameters) -> list[str]:
    """The conditions of article 39 that apply; what is not known counts as if it applied."""
    premium, income = case.request.amount, case.customer.yearly_income
    years = case.request.years_to_pay if case.request.years_to_pay is not None else case.product.years_to_pay
    reasons = []
    if income is None or income.currency != premium.currency:
        reasons.append("household income is not known")
    elif years <= 1 and minor(premium) > parameters.integer("single_premium_incomes") * minor(income):
        reasons.append("single premium against yearly income")
    elif years > 1 and minor(premium) * 100 > parameters.integer("yearly_premium_income_percent") * minor(income):
        reasons.append("yearly premium against yearly income")
    if case.customer.kind == "person" and (
        case.customer.age is None or years + case.customer.age >= parameters.integer("years_to_pay_plus_age")
    ):
        reasons.append("years to pay and age")
    budget = case.request.stated_budget
    if budget is not None and (
        budget.currency != premium.currency
        or minor(premium) * 100 >= parameters.integer("premium_budget_percent") * minor(budget)
    ):
        reasons.append("premium against the stated budget")
    return reasons


PROTECTION_CHECKS: Final[Mapping[str, Check]] = {
    "within-means": Check(within_means, {"means_income_years": int, "means_assets_percent": int}),
    "staff-qualified": Check(staff_qualified, {}, needs_staff=True),
    "special-care": Check(special_care, {"special_care_age": int, "high_risk_level": int}),
    "limited-capacity": Check(limited_capacity, {"low_risk_level": int, "adult_age": int}),
    "qualified-investor": Check(qualified_investor, {}),
    "disclosure": Check(disclosure, {}),
    "match-opinion": Check(match_opinion, {}),
    "policyholder-declaration": Check(
        policyholder_declaration,
        {
            "single_premium_incomes": int,
            "yearly_premium_income_percent": int,
            "years_to_pay_plus_age": int,
            "premium_budget_percent": int,
        },
    ),
}
