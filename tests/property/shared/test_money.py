"""The algebra of money text: a round trip loses nothing."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tierflow_shared.money import EXPONENTS, Rates, decimal_text, minor_units

currencies = st.sampled_from(sorted(EXPONENTS))


@given(st.integers(-(10**14), 10**14), currencies)
def test_minor_units_survive_the_round_trip(minor: int, currency: str) -> None:
    """Text and back is the identity."""
    assert minor_units(decimal_text(minor, currency), currency) == minor


@given(st.integers(-(10**12), 10**12), currencies)
def test_conversion_is_odd(minor: int, currency: str) -> None:
    """Taking an amount back takes back exactly what it gave."""
    rates = Rates.of("EUR", {name: {"2026-01-01": "0.123457"} for name in EXPONENTS if name != "EUR"})
    on = date(2026, 3, 1)
    assert rates.to_base(-minor, currency, on) == -rates.to_base(minor, currency, on)
