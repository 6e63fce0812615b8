"""Holdings: a step function of value over valuation days. Each (holding, day) is a last-writer-wins register."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Valuation(NamedTuple):
    """What a holding was worth at the end of a day, in minor units of the base currency."""

    as_of: int
    value: int


class HoldingStep(NamedTuple):
    """What a valuation changes on its day: the value, and whether the holding counts as a product held."""

    day: int
    value: int
    products: int


def holding_steps(valuations: Iterable[Valuation]) -> Iterator[HoldingStep]:
    """The steps of one holding from its valuations in order of their days."""
    before = 0
    for as_of, value in valuations:
        yield step(as_of, before, value)
        before = value


def step(day: int, before: int, after: int) -> HoldingStep:
    """The step from one value to the next."""
    return HoldingStep(day, after - before, int(after > 0) - int(before > 0))
