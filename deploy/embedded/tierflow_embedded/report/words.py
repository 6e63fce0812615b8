"""Reasons of decisions as sentences."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any


def reason_words(reason: Any) -> str:
    """One reason: `aum end of day 1,250,000.00 (threshold 1,000,000.00)`."""
    text = f"{str(reason['measure']).replace('-', ' ').replace('_', ' ')} {grouped(reason['value'])}"
    threshold = str(reason["threshold"] or "")
    if threshold.strip("0."):
        text += f" (threshold {grouped(threshold)})"
    return text


def grouped(text: str) -> str:
    """A number with its thousands set apart; other text stays as it is."""
    try:
        return f"{Decimal(text):,}"
    except InvalidOperation:
        return text


def explanation(customer: Any) -> Iterator[str]:
    """Why a customer has its tiers and what would change them, line by line.

    `customer` is the answer of `GET /scoring/v1/customers/{id}`.
    """
    as_of = f" on {customer['as_of']}" if customer["as_of"] else ""
    yield f"{customer['customer_id']}{as_of}"
    if not customer["tiers"]:
        yield "  No tier yet: the relationship has not begun."
    for standing in customer["tiers"]:
        yield from _standing(standing)
    for score in customer["scores"]:
        yield f"  {score['title']['en']} {score['title']['zh']}: {score['score']} of 100"


def _standing(standing: Any) -> Iterator[str]:
    title = standing["title"]
    provisional = ", provisional" if standing["provisional"] else ""
    yield f"  {standing['scheme']}: {title['en']} {title['zh']} since {standing['effective_on']}{provisional}"
    yield f"    because of policy {standing['policy_version']}:"
    for reason in standing["reasons"]:
        yield f"      {reason_words(reason)}"
    pending, following = standing["pending"], standing["next"]
    if pending:
        keep = f"; to keep the tier: {pending['words']}" if pending["words"] else ""
        yield f"    A downgrade to {pending['tier']} is pending since {pending['since']}, due {pending['due_on']}{keep}"
    if following:
        yield f"    For the next tier: {following['words']}"
