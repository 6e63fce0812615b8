"""What a rule is: a pure function of a case and its pack's parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tierflow_suitability.domain.cases import Case
from tierflow_suitability.domain.findings import Answer

ParameterValue = int | bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of a pack. Which ones a rule needs is checked when the pack is read."""

    values: Mapping[str, ParameterValue]

    def integer(self, name: str) -> int:
        value = self.values[name]
        assert isinstance(value, int), f"{name} is a number"
        return value

    def flag(self, name: str) -> bool:
        value = self.values[name]
        assert isinstance(value, bool), f"{name} is true or false"
        return value

    def words(self, name: str) -> tuple[str, ...]:
        value = self.values[name]
        assert isinstance(value, tuple), f"{name} is a list of words"
        return value


RuleFunction = Callable[[Case, Parameters], Answer]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule function with the parameters it reads: name and type."""

    function: RuleFunction
    parameters: Mapping[str, type]
    needs_staff: bool = False
