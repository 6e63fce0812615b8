"""Reads a policy set from a folder of TOML files: `book.toml` and `<scheme>/<version>.toml`."""

import tomllib
from dataclasses import replace
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from tierflow_scoring.domain import policy
from tierflow_scoring.domain.days import day_of
from tierflow_scoring.domain.features import MONEY_FEATURES
from tierflow_scoring.domain.policy import PolicySet, PolicyVersion, Scheme, Words
from tierflow_scoring.domain.policy_rules import PolicyError, check
from tierflow_scoring.domain.scores import Dimension, Ranking, ScorePart
from tierflow_scoring.domain.tariffs import Tariff, Tariffs
from tierflow_shared.money import TooPreciseError, minor_units


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what stands in a file: an unknown field is an error."""


class _Words(_Row, frozen=True):
    en: str
    zh: str


class _Corner(_Row, frozen=True):
    value: str | int
    points: int


class _Part(_Row, frozen=True):
    name: str
    feature: str
    weight_percent: int
    line: list[_Corner]


class _Gate(_Row, frozen=True):
    feature: str
    at_least: int


class _Measure(_Row, frozen=True):
    name: str
    unit: Literal["money", "points"]
    feature: str | None = None
    parts: list[_Part] = []
    requires: _Gate | None = None


class _Service(_Row, frozen=True):
    owner: _Words
    channel: _Words
    response_time: _Words
    cadence: _Words
    benefits: list[_Words]


class _Tier(_Row, frozen=True):
    name: str
    title: _Words
    service: _Service
    enter: str | int = 0
    exit: str | int = 0


class _Version(_Row, frozen=True):
    scheme: str
    version: str
    effective_from: date
    title: _Words
    grace_days: int
    minimum_stay_days: int
    measure: _Measure
    tiers: list[_Tier]


class _Tariff(_Row, frozen=True):
    effective_from: date
    deposit_spread_bp: int
    loan_spread_bp: int
    cost: dict[str, str]


class _ScorePart(_Row, frozen=True):
    feature: str
    by: Ranking
    weight_percent: int
    full: int = 0


class _Dimension(_Row, frozen=True):
    name: str
    title: _Words
    parts: list[_ScorePart]


class _Book(_Row, frozen=True):
    provisional_months: int
    dimensions: list[_Dimension]
    schemes: list[str]
    tariffs: list[_Tariff]


def load_policy_set(name_or_folder: str, base_currency: str) -> PolicySet:
    """A shipped set by its name ("standard", "berka"), or any folder of the same form.

    Raises:
        PolicyError: the folder or a file is missing, unreadable, or breaks a rule; the text names the file.
    """
    shipped = files("tierflow_scoring") / "policies" / name_or_folder
    is_shipped = name_or_folder.isidentifier() and shipped.is_dir()
    root: Traversable = shipped if is_shipped else Path(name_or_folder)
    book = _read(root / "book.toml", _Book)
    schemes = [_scheme(root / name, name, base_currency) for name in book.schemes]
    tariffs = sorted((_tariff(row, base_currency) for row in book.tariffs), key=lambda row: row.effective_from)
    dimensions = [_dimension(row) for row in book.dimensions]
    return check(PolicySet(root.name, schemes, Tariffs(tariffs), book.provisional_months, dimensions))


def with_version(policies: PolicySet, file: Path, base_currency: str) -> PolicySet:
    """The set with one more version of a scheme, from a file; it takes the place of one with the same first day.

    Raises:
        PolicyError: the file is missing, unreadable, or breaks a rule.
    """
    version = _version(_read(file, _Version), base_currency)
    scheme = policies.scheme(version.scheme)
    if scheme is None:
        known = ", ".join(one.name for one in policies.schemes)
        raise PolicyError(f"{file.name}: {policies.name} has no scheme {version.scheme}; its schemes are {known}")
    others = [one for one in scheme.versions if one.effective_from != version.effective_from]
    versions = sorted([*others, version], key=lambda one: one.effective_from)
    schemes = [Scheme(one.name, versions) if one is scheme else one for one in policies.schemes]
    name = f"{policies.name} with {version.scheme}/{version.version}"
    return check(replace(policies, name=name, schemes=schemes))


_RowType = TypeVar("_RowType", bound=_Row)


def _read(file: Traversable, kind: type[_RowType]) -> _RowType:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), kind)
    except (OSError, ValueError) as error:
        raise PolicyError(f"{file.name}: {error}") from None


def _scheme(folder: Traversable, name: str, base_currency: str) -> Scheme:
    try:
        names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    except OSError as error:
        raise PolicyError(f"{name}: {error}") from None
    versions = [_version(_read(folder / file, _Version), base_currency) for file in names]
    if any(version.scheme != name for version in versions):
        raise PolicyError(f"{name}: a file of this folder names another scheme")
    return Scheme(name, sorted(versions, key=lambda version: version.effective_from))


def _version(row: _Version, base_currency: str) -> PolicyVersion:
    gate = row.measure.requires
    measure = policy.Measure(
        row.measure.name,
        row.measure.unit,
        row.measure.feature,
        tuple(_part(part, base_currency) for part in row.measure.parts),
        policy.Gate(gate.feature, gate.at_least) if gate else None,
    )
    is_money = row.measure.unit == "money"
    return PolicyVersion(
        scheme=row.scheme,
        version=row.version,
        effective_from=day_of(row.effective_from),
        title=_words(row.title),
        measure=measure,
        tiers=tuple(_tier(tier, base_currency if is_money else None) for tier in row.tiers),
        grace_days=row.grace_days,
        minimum_stay_days=row.minimum_stay_days,
    )


def _part(row: _Part, base_currency: str) -> policy.Part:
    currency = base_currency if row.feature in MONEY_FEATURES else None
    line = tuple((_amount(corner.value, currency), corner.points) for corner in row.line)
    return policy.Part(row.name, row.feature, row.weight_percent, line)


def _tier(row: _Tier, currency: str | None) -> policy.Tier:
    service = policy.Service(
        _words(row.service.owner),
        _words(row.service.channel),
        _words(row.service.response_time),
        _words(row.service.cadence),
        tuple(_words(benefit) for benefit in row.service.benefits),
    )
    return policy.Tier(row.name, _words(row.title), _amount(row.enter, currency), _amount(row.exit, currency), service)


def _tariff(row: _Tariff, base_currency: str) -> Tariff:
    cost = {channel: _amount(price, base_currency) for channel, price in row.cost.items()}
    return Tariff(day_of(row.effective_from), row.deposit_spread_bp, row.loan_spread_bp, cost)


def _dimension(row: _Dimension) -> Dimension:
    parts = [ScorePart(part.feature, part.by, part.weight_percent, part.full) for part in row.parts]
    return Dimension(row.name, row.title.en, row.title.zh, parts)


def _words(row: _Words) -> Words:
    return Words(row.en, row.zh)


def _amount(value: str | int, currency: str | None) -> int:
    """Decimal text is money in the base currency, a number is a count or points."""
    if isinstance(value, int):
        if value and currency is not None:
            raise PolicyError(f"money is written as text, not as the number {value}")
        return value
    if currency is None:
        raise PolicyError(f"{value!r} is money where a count is wanted")
    try:
        return minor_units(value, currency)
    except (TooPreciseError, ValueError) as error:
        raise PolicyError(str(error)) from None
