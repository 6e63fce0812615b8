"""What data must keep beyond its schema: bookable money, and dates that can be true."""

import types
import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from tierflow_events.domain.faults import Fault
from tierflow_shared.contracts.primitives import Data, Money, PositiveMoney
from tierflow_shared.contracts.registry import EVENT_TYPES
from tierflow_shared.money import TooPreciseError, UnknownCurrencyError, minor_units

# The electronic books of the bank begin here; nothing is booked, valued or checked before.
EARLIEST: Final = date(1970, 1, 1)
# Birth and the first contact may lie further back.
EARLIEST_BY_NAME: Final = {"birth_date": date(1900, 1, 1), "relationship_since": date(1900, 1, 1)}
# Fields that say what happened. A day of grace covers time zones and books that close after midnight.
PAST: Final = frozenset(
    {
        "booking_date", "opened_on", "closed_on", "reversed_on", "as_of",
        "birth_date", "relationship_since", "requested_at", "recorded_at",
    }
)  # fmt: skip
GRACE: Final = timedelta(days=1)

Check = Callable[[Any, str, date], Fault | None]


def data_fault(data: Data, today: date) -> Fault | None:
    """The first rule that the data break, or None. `today` is the calendar day (UTC) on which they arrive."""
    for check in _CHECKS[type(data)]:
        fault = check(data, "data.", today)
        if fault is not None:
            return fault
    return None


def time_fault(time: datetime, now: datetime, allowed_ahead: timedelta) -> Fault | None:
    """Whether the producer's time can be true, `now` being the moment of arrival."""
    if time.date() < EARLIEST:
        return Fault("time", "not-before", f"must not lie before {EARLIEST.isoformat()}")
    if time > now + allowed_ahead:
        return Fault("time", "not-in-future", "must not lie in the future")
    return None


def _money(name: str) -> Check:
    def check(data: Any, at: str, _today: date) -> Fault | None:
        amount = getattr(data, name)
        if amount is None:
            return None
        try:
            minor_units(amount.value, amount.currency)
        except UnknownCurrencyError:
            return Fault(f"{at}{name}.currency", "currency", "the bank does not book this currency")
        except TooPreciseError:
            return Fault(f"{at}{name}.value", "precision", "more decimals than the currency has")
        return None

    return check


def _day(name: str, is_moment: bool) -> Check:
    earliest, must_be_past = EARLIEST_BY_NAME.get(name, EARLIEST), name in PAST

    def check(data: Any, at: str, today: date) -> Fault | None:
        value = getattr(data, name)
        if value is None:
            return None
        day = value.date() if is_moment else value
        if day < earliest:
            return Fault(at + name, "not-before", f"must not lie before {earliest.isoformat()}")
        if must_be_past and day > today + GRACE:
            return Fault(at + name, "not-in-future", "must not lie in the future")
        return None

    return check


def _inner(name: str, checks: Sequence[Check]) -> Check:
    def check(data: Any, at: str, today: date) -> Fault | None:
        value = getattr(data, name)
        items = enumerate(value) if isinstance(value, tuple) else () if value is None else ((None, value),)
        for index, item in items:
            prefix = f"{at}{name}." if index is None else f"{at}{name}.{index}."
            for one in checks:
                fault = one(item, prefix, today)
                if fault is not None:
                    return fault
        return None

    return check


def _checks_of(struct: type[Data]) -> tuple[Check, ...]:
    """The checks of a struct, read off the types of its fields."""
    checks: list[Check] = []
    for name, hint in typing.get_type_hints(struct).items():
        kind = _kind(hint)
        if kind in (Money, PositiveMoney):
            checks.append(_money(name))
        elif kind in (date, datetime):
            checks.append(_day(name, kind is datetime))
        elif isinstance(kind, type) and issubclass(kind, Data):
            inner = _checks_of(kind)
            if inner:
                checks.append(_inner(name, inner))
    return tuple(checks)


def _kind(hint: Any) -> Any:
    """The type inside `X | None` and `tuple[X, ...]`."""
    arguments = [argument for argument in typing.get_args(hint) if argument not in (type(None), Ellipsis)]
    is_wrapper = typing.get_origin(hint) in (types.UnionType, typing.Union, tuple) and len(arguments) == 1
    return _kind(arguments[0]) if is_wrapper else hint


_CHECKS: Final = {event.data: _checks_of(event.data) for event in EVENT_TYPES.values()}
