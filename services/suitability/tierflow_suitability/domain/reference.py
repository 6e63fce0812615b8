"""Products and staff: every version is kept, and a decision takes the one that held at its moment."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tierflow_suitability.domain.customers import Version

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Versioned(Generic[Item]):
    """One statement about a product or a member of staff."""

    version: Version
    time: datetime
    item: Item


def with_version(known: Sequence[Versioned[Item]], statement: Versioned[Item]) -> tuple[Versioned[Item], ...]:
    """Takes a statement in, in order of its version; the same version twice counts once."""
    if any(one.version == statement.version for one in known):
        return tuple(known)
    return tuple(sorted((*known, statement), key=lambda one: one.version))


def as_of(versions: Sequence[Versioned[Item]], at: datetime) -> Item | None:
    """The version that held at a moment; before the first one, the first one; None without any."""
    if not versions:
        return None
    index = bisect_right(versions, at, key=lambda one: one.time)
    return versions[max(index - 1, 0)].item
