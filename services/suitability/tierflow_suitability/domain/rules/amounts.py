"""Sums of money in the currency of a sale. What cannot be converted is reported, never counted as zero in silence."""

from collections.abc import Iterable
from dataclasses import dataclass

from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_shared.money import minor_units


@dataclass(frozen=True, slots=True)
class Total:
    """Minor units of one currency, and whether an amount in another currency had to be left out."""

    minor: int
    complete: bool


def minor(amount: PositiveMoney) -> int:
    """An amount in minor units of its own currency."""
    return minor_units(amount.value, amount.currency)


def total(amounts: Iterable[PositiveMoney], currency: str) -> Total:
    """The sum of the amounts that are in `currency`."""
    total_minor, complete = 0, True
    for amount in amounts:
        if amount.currency == currency:
            total_minor += minor(amount)
        elif minor(amount):
            complete = False
    return Total(total_minor, complete)
