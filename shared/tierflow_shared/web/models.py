"""Base of all bodies over HTTP, and the field types that most of them share."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Self

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from tierflow_shared import money
from tierflow_shared.contracts import primitives
from tierflow_shared.contracts.primitives import ID_PATTERN
from tierflow_shared.web.json_text import JsonText

# Pydantic's pattern engine has no look-ahead; its `$` matches at the very end alone.
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}$"
assert ID_PATTERN.startswith(_ID[:-1]), "ids over HTTP and in events must be the same"

Id = Annotated[str, Field(pattern=_ID, description="Opaque id, 1 to 64 characters of A-Z a-z 0-9 . _ : @ / -")]
PathId = Annotated[str, Path(pattern=_ID, description="Opaque id, 1 to 64 characters of A-Z a-z 0-9 . _ : @ / -")]
# What a text says about a person is written at the field (`contracts.primitives`); without a class a test fails.
PersonalText = Annotated[str, Field(max_length=200, json_schema_extra={"x-tierflow-data": "personal"})]
TECHNICAL: Final[dict[str, JsonValue]] = {"x-tierflow-data": "technical"}
TechnicalText = Annotated[str, Field(max_length=200, json_schema_extra=TECHNICAL)]
DecimalText = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$", examples=["1234.50"])]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CZK"], description="ISO 4217")]


def starts_like_a_day(value: Any) -> Any:
    """Pydantic would take a number in a query for seconds since 1970."""
    if isinstance(value, str) and not _DAY_FIRST.match(value):
        raise PydanticCustomError("iso-8601", "a date such as 2026-03-02, or a date-time with its offset")
    return value


_DAY_FIRST: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|[Tt ])")


def plausible(day: date) -> date:
    """Plans and cadences count on from a day that somebody asks about; there must be days behind it."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("day-range", "a day from 1900-01-01 to 2199-12-31")
    return day


FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
Day = Annotated[date, AfterValidator(plausible)]
QueryDay = Annotated[Day, BeforeValidator(starts_like_a_day)]
QueryMoment = Annotated[datetime, BeforeValidator(starts_like_a_day)]


class StrictModel(BaseModel):
    """Refuses what it does not know: unknown fields, text for numbers, NaN, numbers beyond 64 bits, NUL."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        cache_strings="keys",  # what people say is not kept in memory beyond its request
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """JSON is read by the JSON rules (a date is text there); `JsonText` is how a route hands it over."""
        plain = handler(source)

        def from_text(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
            return cls.model_validate_json(value.checked()) if type(value) is JsonText else read(value)

        outside = core_schema.no_info_wrap_validator_function(from_text, plain)
        return core_schema.json_or_python_schema(json_schema=plain, python_schema=outside)


class MoneyModel(StrictModel):
    """A signed exact amount in a currency the bank books."""

    value: DecimalText
    currency: CurrencyCode

    @model_validator(mode="after")
    def _can_be_booked(self) -> Self:
        try:
            money.minor_units(self.value, self.currency)
        except money.UnknownCurrencyError:
            message = "the bank does not book this currency"
            raise PydanticCustomError("currency", message, {"field": "currency"}) from None
        except money.TooPreciseError:
            message = "more decimals than the currency has"
            raise PydanticCustomError("precision", message, {"field": "value"}) from None
        return self

    @property
    def minor(self) -> int:
        """The amount in minor units."""
        return money.minor_units(self.value, self.currency)

    def contract(self) -> primitives.Money:
        """The same amount as events carry it."""
        return primitives.Money(value=self.value, currency=self.currency)


class PositiveMoneyModel(MoneyModel):
    """An exact amount that is not negative."""

    value: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$", examples=["1234.50"])]

    def positive_contract(self) -> primitives.PositiveMoney:
        """The same amount as events carry it."""
        return primitives.PositiveMoney(value=self.value, currency=self.currency)


class ProblemDetail(BaseModel):
    """One field that breaks one rule."""

    field: str
    rule: str
    message: str


class ProblemDocument(BaseModel):
    """An error (RFC 9457). `code` is stable; `instance` names the trace under which the logs can be found."""

    type: str = Field(examples=["urn:tierflow:problem:invalid"])
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemDetail] = []
    instance: str | None = None
