"""Field types shared by all event contracts, with the limits that every producer must keep."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_ID_LENGTH = 64
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}$(?!\n)"

Id = Annotated[str, Meta(pattern=ID_PATTERN, description="Opaque id, 1 to 64 characters of A-Z a-z 0-9 . _ : @ / -")]
CustomerId = Id
AccountId = Id
ProductId = Id
RmId = Id
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217 alphabetic code")]
DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$(?!\n)",
        description="Exact decimal as text, at most 12 digits before the point and 4 behind it",
    ),
]
PositiveDecimalText = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$(?!\n)",
        description="Exact non-negative decimal as text, at most 12 digits before the point and 4 behind it",
    ),
]
# What a field says about a person is written at the field: a free text without one of these classes fails a test.
# `personal`: sealed under the customer's key before it is stored anywhere. `coded`: sealed unless it is a short code.
# `technical`: names systems, rules, figures or things the bank sells, never a person.
PersonalText = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\x00]*$",
        extra={"data": "personal"},
        extra_json_schema={"x-tierflow-data": "personal"},
    ),
]
PersonalDate = Annotated[date, Meta(extra={"data": "personal"}, extra_json_schema={"x-tierflow-data": "personal"})]
CodedText = Annotated[
    str,
    Meta(
        max_length=200, pattern=r"^[^\x00]*$", extra={"data": "coded"}, extra_json_schema={"x-tierflow-data": "coded"}
    ),
]
TechnicalText = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\x00]*$",
        extra={"data": "technical"},
        extra_json_schema={"x-tierflow-data": "technical"},
    ),
]
SealedText = Annotated[
    str,
    Meta(
        pattern=r"^s1\.[A-Za-z0-9_-]{30,1400}$(?!\n)",
        description="Encrypted under the customer's key; Tierflow writes it, a sender never",
    ),
]
SealedFields = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$(?!\n)")], SealedText],
    Meta(max_length=16, description="The personal fields by their path; Tierflow writes this, a sender never"),
]
Level = Annotated[int, Meta(ge=1, le=5, description="Risk level 1 (lowest) to 5 (highest)")]

Channel = Literal["meeting", "phone", "email", "sms", "app", "letter"]
Purpose = Literal["service", "care", "sale"]


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every event's data: immutable, and a field nobody knows is refused."""


class Money(Data, frozen=True, kw_only=True):
    """A signed exact amount in one currency."""

    value: DecimalText
    currency: Currency


class PositiveMoney(Data, frozen=True, kw_only=True):
    """An exact amount that is not negative, in one currency."""

    value: PositiveDecimalText
    currency: Currency
