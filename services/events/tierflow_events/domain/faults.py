"""What can be wrong with an event, in words that name the field and the rule."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One field that breaks one rule. `field` is a path: "time", "data.amount.value"."""

    field: str
    rule: str
    message: str
