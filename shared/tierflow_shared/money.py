"""Exact money: integer minor units inside, decimal text outside, never a float.

Conversion between currencies uses dated rates; without a rate there is an error, never a zero.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

# ISO 4217 minor-unit exponents of the currencies the bank can book.
EXPONENTS: Final[Mapping[str, int]] = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2,
    "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "INR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "MOP": 2, "MXN": 2,
    "MYR": 2, "NOK": 2, "NZD": 2, "PHP": 2, "PLN": 2, "RON": 2, "SEK": 2, "SGD": 2, "THB": 2, "TRY": 2,
    "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip


class UnknownCurrencyError(ValueError):
    """The currency is not one the bank books."""


class TooPreciseError(ValueError):
    """The amount has more decimals than its currency has minor units."""


class NoRateError(LookupError):
    """No rate for this currency on or before this day."""


def exponent(currency: str) -> int:
    """Number of decimals of a currency.

    Raises:
        UnknownCurrencyError: the bank does not book this currency.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrencyError(f"{currency} is not a currency the bank books") from None


def minor_units(value: str, currency: str) -> int:
    """Decimal text to minor units: `("1234.5", "CZK")` gives 123450.

    Raises:
        UnknownCurrencyError: the bank does not book this currency.
        TooPreciseError: a non-zero digit lies behind the currency's last decimal.
    """
    places = exponent(currency)
    whole, _, fraction = value.partition(".")
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            raise TooPreciseError(f"{value} has more than {places} decimals for {currency}")
        fraction = fraction[:places]
    return int(whole + fraction.ljust(places, "0"))


def decimal_text(minor: int, currency: str) -> str:
    """Minor units to decimal text: `(123450, "CZK")` gives "1234.50"."""
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return sign + digits if places == 0 else f"{sign}{digits[:-places]}.{digits[-places:]}"


@dataclass(frozen=True, slots=True)
class Rates:
    """Dated rates into a base currency: units of base for one unit of the other, from a day on."""

    base: str
    days: Mapping[str, Sequence[date]]
    values: Mapping[str, Sequence[Decimal]]

    @staticmethod
    def of(base: str, table: Mapping[str, Mapping[str, str]]) -> "Rates":
        """From `{currency: {iso day: decimal text}}`."""
        ordered = {
            currency: sorted((date.fromisoformat(day), Decimal(rate)) for day, rate in rows.items())
            for currency, rows in table.items()
        }
        return Rates(
            base,
            {currency: [day for day, _ in rows] for currency, rows in ordered.items()},
            {currency: [rate for _, rate in rows] for currency, rows in ordered.items()},
        )

    def to_base(self, minor: int, currency: str, on: date) -> int:
        """Minor units of `currency` to minor units of the base, half to even.

        Raises:
            NoRateError: no rate is known on or before `on`.
        """
        if currency == self.base:
            return minor
        days = self.days.get(currency, ())
        index = bisect_right(days, on) - 1
        if index < 0:
            raise NoRateError(f"no rate from {currency} to {self.base} on {on.isoformat()}")
        scaled = Decimal(minor) * self.values[currency][index]
        shift = Decimal(10) ** (exponent(self.base) - exponent(currency))
        return int((scaled * shift).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@lru_cache(maxsize=1)
def no_rates(base: str) -> Rates:
    """Rates that know the base currency alone."""
    return Rates.of(base, {})
