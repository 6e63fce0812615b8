"""Money is exact: text to minor units and back, and conversion by the rate of the day."""

from datetime import date

import pytest

from tierflow_shared.money import (
    NoRateError,
    Rates,
    TooPreciseError,
    UnknownCurrencyError,
    decimal_text,
    minor_units,
)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0", "CZK", 0),
        ("1234.5", "CZK", 123_450),
        ("-0.01", "CNY", -1),
        ("700.00", "CZK", 70_000),
        ("12.3400", "EUR", 1_234),
        ("15", "JPY", 15),
        ("15.0", "JPY", 15),
        ("1.234", "KWD", 1_234),
        ("999999999999.99", "USD", 99_999_999_999_999),
    ],
)
def test_text_becomes_minor_units(text: str, currency: str, minor: int) -> None:
    """Each currency has its own number of decimals; zeros behind the last one are no loss."""
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("0.001", "CZK"), ("1.5", "JPY"), ("1.0001", "KWD")])
def test_digits_that_would_be_lost_are_refused(text: str, currency: str) -> None:
    """Nothing is rounded silently."""
    with pytest.raises(TooPreciseError):
        minor_units(text, currency)


def test_an_unknown_currency_is_refused() -> None:
    """A code outside the bank's list has no minor units."""
    with pytest.raises(UnknownCurrencyError, match="XXX"):
        minor_units("1", "XXX")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(123_450, "CZK", "1234.50"), (-1, "CNY", "-0.01"), (0, "CZK", "0.00"), (15, "JPY", "15"), (5, "KWD", "0.005")],
)
def test_minor_units_become_text(minor: int, currency: str, text: str) -> None:
    """Always with all decimals of the currency."""
    assert decimal_text(minor, currency) == text


RATES = Rates.of("CNY", {"USD": {"2026-01-01": "7.00", "2026-02-01": "7.1234"}, "JPY": {"2026-01-01": "0.0456"}})


@pytest.mark.parametrize(
    ("minor", "currency", "on", "base"),
    [
        (100, "CNY", date(1999, 1, 1), 100),
        (100, "USD", date(2026, 1, 31), 700),
        (100, "USD", date(2026, 2, 1), 712),
        (1_000, "JPY", date(2026, 6, 1), 4_560),
        (-100, "USD", date(2026, 1, 1), -700),
    ],
)
def test_the_rate_of_the_day_converts(minor: int, currency: str, on: date, base: int) -> None:
    """The latest rate on or before the day, rounded half to even in the base's minor units."""
    assert RATES.to_base(minor, currency, on) == base


@pytest.mark.parametrize(("currency", "on"), [("USD", date(2025, 12, 31)), ("EUR", date(2026, 1, 1))])
def test_without_a_rate_there_is_an_error_not_a_zero(currency: str, on: date) -> None:
    """Too early, or never known."""
    with pytest.raises(NoRateError):
        RATES.to_base(1, currency, on)
