"""What a request turned out to hold, as far as it could be read."""

from typing import NamedTuple

from tierflow_events.domain.faults import Fault
from tierflow_events.domain.placing import Candidate
from tierflow_shared.contracts.primitives import Data


class Unreadable(NamedTuple):
    """An event that was refused, with its id as far as it could be read."""

    id: str
    fault: Fault


class Unsealed(NamedTuple):
    """An event that says something about a person. Its candidate has no value yet: the data are sealed first."""

    candidate: Candidate
    data: Data


Arrival = Candidate | Unreadable
Raw = Candidate | Unsealed | Unreadable


class NotJsonError(Exception):
    """The body as a whole is not what it says it is; nothing of it was read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class TooManyEventsError(Exception):
    """The batch holds more events than one batch may hold."""
