"""Rule packs: which rules a regime has, with which numbers, from when until when, and for which products."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from tierflow_suitability.domain.rules import CHECKS
from tierflow_suitability.domain.rules.base import Check, Parameters, ParameterValue, RuleFunction

CORE: Final = "core"
_HEAD_KEYS: Final = frozenset({"pack", "version", "title", "title_zh", "source", "effective_from"})
_OPTIONAL_KEYS: Final = frozenset({"effective_until", "apply_from"})
_PACK_KEYS: Final = _HEAD_KEYS | _OPTIONAL_KEYS | {"categories", "parameters", "rules"}
_RULE_KEYS: Final = frozenset({"id", "check", "article", "title", "title_zh"})


class PackError(ValueError):
    """A pack file is not what a pack must be; the message says where."""


class PackRef(Struct, frozen=True):
    """Which pack a decision was made with, provable by its hash."""

    pack: str
    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class PackRule:
    """A rule as a pack uses it: a check under the pack's id and article."""

    rule_id: str
    article: str
    title: str
    title_zh: str
    check: Check


@dataclass(frozen=True, slots=True)
class Pack:
    """One version of a pack.

    `effective_from` and `effective_until` are the regime's own dates; `apply_from` is the bank's choice to judge
    earlier sales by the same rules. `categories` are the products the regime governs; `core` governs all, and its
    list names those that need no further regime.
    """

    ref: PackRef
    title: str
    title_zh: str
    source: str
    effective_from: date
    effective_until: date | None
    apply_from: date
    categories: frozenset[str]
    parameters: Parameters
    rules: tuple[PackRule, ...]
    answering: tuple[tuple[str, str, RuleFunction], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        answering = tuple((rule.rule_id, rule.article, rule.check.function) for rule in self.rules)
        object.__setattr__(self, "answering", answering)

    def applies_on(self, day: date) -> bool:
        return self.apply_from <= day and (self.effective_until is None or day <= self.effective_until)

    def in_force_on(self, day: date) -> bool:
        return self.effective_from <= day and self.applies_on(day)

    @property
    def needs_staff(self) -> bool:
        return any(rule.check.needs_staff for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Selection:
    """The packs for one sale; `regime` is None if the category needs one and none is in force."""

    core: Pack
    regime: Pack | None
    covered: bool

    @property
    def packs(self) -> tuple[Pack, ...]:
        return (self.core,) if self.regime is None else (self.core, self.regime)

    @property
    def refs(self) -> tuple[PackRef, ...]:
        return tuple([pack.ref for pack in self.packs])

    @property
    def leading(self) -> Pack:
        """The pack that names the decision."""
        return self.regime or self.core

    @property
    def needs_staff(self) -> bool:
        return any(pack.needs_staff for pack in self.packs)


class Rulebook:
    """All packs a bank uses. The product and the day decide which apply, before any rule runs."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        self.packs: Sequence[Pack] = sorted(packs, key=lambda pack: (pack.ref.pack, pack.apply_from, pack.ref.version))
        self._by_ref: Mapping[PackRef, Pack] = {pack.ref: pack for pack in self.packs}
        self._selected: dict[tuple[str, date], Selection] = {}
        for name, needed in ((CORE, SALE_PARAMETERS), (None, ASSESSMENT_PARAMETERS)):
            if not any(name in (None, pack.ref.pack) and needed <= set(pack.parameters.values) for pack in self.packs):
                raise PackError(f"no pack {name or ''} gives {sorted(needed)}")

    def select(self, category: str, on: date) -> Selection:
        """The packs that judge a product of this category on this day.

        Raises:
            PackError: no version of `core` applies on this day.
        """
        key = (category, on)
        found = self._selected.get(key)
        if found is None:
            if len(self._selected) >= 10_000:
                self._selected = {}
            found = self._selected[key] = self._select(category, on)
        return found

    def _select(self, category: str, on: date) -> Selection:
        newest = {pack.ref.pack: pack for pack in self.packs if pack.applies_on(on)}
        core = newest.pop(CORE, None)
        if core is None:
            raise PackError(f"no version of `core` applies on {on.isoformat()}")
        regimes = [pack for pack in newest.values() if category in pack.categories]
        if len(regimes) > 1:
            raise PackError(f"two regimes claim {category}")
        regime = regimes[0] if regimes else None
        return Selection(core, regime, covered=regime is not None or category in core.categories)

    def sale_open_days(self, on: date) -> int:
        """Days a sale of this day may stay open."""
        return self.select("", on).core.parameters.integer("sale_open_days")

    def assessment_limits(self, on: date) -> tuple[int, int]:
        """Assessments of one customer a day and in 12 months: the strictest of the packs that apply."""
        limits = [
            (pack.parameters.integer("max_per_day"), pack.parameters.integer("max_per_12_months"))
            for pack in self.packs
            if pack.applies_on(on) and "max_per_day" in pack.parameters.values
        ]
        if not limits:
            raise PackError(f"no pack limits assessments on {on.isoformat()}")
        return min(a_day for a_day, _ in limits), min(in_12_months for _, in_12_months in limits)

    def validity_months(self, on: date) -> int:
        """How long an assessment of this day holds: the strictest of the packs that apply."""
        return min(
            pack.parameters.integer("validity_months")
            for pack in self.packs
            if pack.applies_on(on) and "validity_months" in pack.parameters.values
        )

    def find(self, ref: PackRef) -> Pack | None:
        """The very pack, or None if this version is not here or has been changed since."""
        return self._by_ref.get(ref)


def parse_pack(content: Mapping[str, Any]) -> Pack:
    """A pack from the content of its file.

    Raises:
        PackError: a key, rule, check or parameter is missing, unknown or of the wrong type.
    """
    unknown = set(content) - _PACK_KEYS
    missing = _PACK_KEYS - set(content) - _OPTIONAL_KEYS
    if unknown or missing:
        raise PackError(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    name = str(content["pack"])
    parameters = {key: _parameter(key, value) for key, value in content["parameters"].items()}
    rules = tuple(_rule(name, entry) for entry in content["rules"])
    if len({rule.rule_id for rule in rules}) != len(rules):
        raise PackError(f"{name}: a rule id occurs twice")
    _check_parameters(name, rules, parameters)
    effective_from = _day(content["effective_from"])
    return Pack(
        ref=PackRef(name, str(content["version"]), content_hash(content)),
        title=str(content["title"]),
        title_zh=str(content["title_zh"]),
        source=str(content["source"]),
        effective_from=effective_from,
        effective_until=_day(content["effective_until"]) if "effective_until" in content else None,
        apply_from=_day(content["apply_from"]) if "apply_from" in content else effective_from,
        categories=frozenset(str(category) for category in content["categories"]),
        parameters=Parameters(parameters),
        rules=rules,
    )


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over the content in a canonical form: layout and comments of the file do not count."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_canonical, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


@lru_cache(maxsize=256)
def combined_hash(refs: tuple[PackRef, ...]) -> str:
    """One hash for all packs of a decision."""
    return refs[0].hash if len(refs) == 1 else hashlib.sha256("\n".join(r.hash for r in refs).encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise PackError(f"a pack cannot contain {type(value).__name__}")


def _day(value: object) -> date:
    if type(value) is not date:
        raise PackError("dates of a pack are plain dates (2026-02-01)")
    return value


def _parameter(name: str, value: object) -> ParameterValue:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    if isinstance(value, int | bool | str):
        return value
    raise PackError(f"parameter {name} must be a whole number, true or false, a word or a list of words")


def _rule(pack: str, entry: Mapping[str, Any]) -> PackRule:
    if set(entry) != _RULE_KEYS:
        raise PackError(f"{pack}: a rule has the keys {sorted(_RULE_KEYS)}, not {sorted(entry)}")
    check = CHECKS.get(str(entry["check"]))
    if check is None:
        raise PackError(f"{pack}: no check named {entry['check']}")
    if not str(entry["id"]).startswith(f"{pack}."):
        raise PackError(f"{pack}: the rule id {entry['id']} must start with the pack's name")
    return PackRule(str(entry["id"]), str(entry["article"]), str(entry["title"]), str(entry["title_zh"]), check)


def _check_parameters(pack: str, rules: Sequence[PackRule], given: Mapping[str, ParameterValue]) -> None:
    wanted = {name: kind for rule in rules for name, kind in rule.check.parameters.items()}
    for name, kind in wanted.items():
        if type(given.get(name)) is not kind:
            raise PackError(f"{pack}: parameter {name} must be given as {kind.__name__}")
    extra = sorted(set(given) - set(wanted) - ASSESSMENT_PARAMETERS - SALE_PARAMETERS)
    if extra:
        raise PackError(f"{pack}: no rule reads {extra}")


ASSESSMENT_PARAMETERS: Final = frozenset({"max_per_day", "max_per_12_months", "validity_months"})
SALE_PARAMETERS: Final = frozenset({"sale_open_days"})
