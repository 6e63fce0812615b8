"""What the schemas of events cannot say: currencies the bank books, and dates a calendar can reckon with."""

from datetime import datetime
from typing import Final

from tierflow_shared.contracts.bank import CustomerUpdated, HoldingUpdated, ProductUpdated, SaleRequested
from tierflow_shared.contracts.primitives import Data, PositiveMoney
from tierflow_shared.money import TooPreciseError, UnknownCurrencyError, exponent, minor_units
from tierflow_shared.stream.events import RefusedError

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2199


def require_usable(data: Data) -> None:
    """Refuses what no rule could reckon with.

    Raises:
        RefusedError: unknown currency, more decimals than it has, or a moment outside 1900 to 2199.
    """
    for amount in _amounts(data):
        try:
            minor_units(amount.value, amount.currency)
        except (UnknownCurrencyError, TooPreciseError) as error:
            raise RefusedError("bad-money", str(error)) from None
    if isinstance(data, ProductUpdated):
        _require_currency(data.currency)
    if isinstance(data, SaleRequested):
        _require_our_time(data.requested_at)
        for document in data.evidence:
            _require_our_time(document.recorded_at)


def _amounts(data: Data) -> list[PositiveMoney]:
    found: list[PositiveMoney | None] = []
    if isinstance(data, SaleRequested):
        found = [data.amount, data.stated_budget]
    elif isinstance(data, ProductUpdated):
        found = [data.minimum_amount, data.large_amount]
    elif isinstance(data, CustomerUpdated):
        found = [data.yearly_income]
    elif isinstance(data, HoldingUpdated):
        found = [data.value]
    return [amount for amount in found if amount is not None]


def _require_currency(currency: str) -> None:
    try:
        exponent(currency)
    except UnknownCurrencyError as error:
        raise RefusedError("bad-money", str(error)) from None


def _require_our_time(moment: datetime) -> None:
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise RefusedError("date-out-of-range", "the year must lie between 1900 and 2199")
