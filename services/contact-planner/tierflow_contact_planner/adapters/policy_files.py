"""Reads contact policies from the TOML files of the package `policies`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from string import Formatter
from typing import Any

import msgspec

from tierflow_contact_planner.domain.policy import Policy


class PolicyError(ValueError):
    """The policy does not exist or does not say what it must."""


def shipped_policies() -> tuple[str, ...]:
    """The names under which policies can be loaded."""
    folder = files("tierflow_contact_planner.policies")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_policy(name: str) -> Policy:
    """The shipped policy of this name.

    Raises:
        PolicyError: no such file, or its content is not a policy.
    """
    if name not in shipped_policies():
        raise PolicyError(f"no contact policy {name}; there are {', '.join(shipped_policies())}")
    return parse_policy(files("tierflow_contact_planner.policies").joinpath(f"{name}.toml").read_text("utf-8"))


def parse_policy(text: str) -> Policy:
    """A policy from TOML.

    Raises:
        PolicyError: not TOML, a missing, unknown or wrong field, or a text with a hole it cannot fill.
    """
    try:
        raw = tomllib.loads(text)
        policy = msgspec.convert(raw, Policy, strict=True)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PolicyError(str(error)) from None
    _no_unknown_fields(raw, msgspec.to_builtins(policy), "policy")
    _consistent(policy)
    return policy


def _no_unknown_fields(given: Any, understood: Any, path: str) -> None:
    if isinstance(given, Mapping):
        for name, value in given.items():
            if name not in understood:
                raise PolicyError(f"{path}.{name} is not a field of a policy")
            _no_unknown_fields(value, understood[name], f"{path}.{name}")
    elif isinstance(given, list):
        for index, value in enumerate(given):
            _no_unknown_fields(value, understood[index], f"{path}[{index}]")


def _consistent(policy: Policy) -> None:
    if "default" not in policy.hours:
        raise PolicyError("policy.hours.default is missing")
    if policy.capacity.familiar_percent + policy.capacity.unfamiliar_percent > 100:
        raise PolicyError("policy.capacity: the shares of a day are more than 100 percent")
    cadences = [p.cadence_days for p in policy.personas]
    cadences += [
        t.cadence_days for tiers in policy.tiers.values() for t in tiers.values() if t.cadence_days is not None
    ]
    if min(cadences, default=1) < 1:
        raise PolicyError("policy: a cadence is at least one day")
    for kind, moment in policy.moments.items():
        en, zh = (_holes(text) for text in (moment.talk.en, moment.talk.zh))
        if {hole.removesuffix("_zh") for hole in zh} != en:
            raise PolicyError(f"policy.moments.{kind}.talk says different things in its two languages")


def _holes(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
