"""The words in which rules are written down: an alert with the story on which it fires and one on which it does not."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Severity = Literal["critical", "warning", "info"]
RUNBOOKS: Final = "docs/runbooks"


class Story(NamedTuple):
    """What Prometheus sees: series in promtool's notation at one-minute steps, and when it is looked at.

    `labels` are those of the alerts that must fire then, beside the severity; none for a silent story.
    """

    at: str
    series: Mapping[str, str]
    labels: tuple[Mapping[str, str], ...] = ()


class Alert(NamedTuple):
    """One alerting rule. `summary` may name labels as `{{ $labels.service }}`, never values."""

    name: str
    severity: Severity
    expr: str
    hold: str
    summary: str
    fires: Story
    silent: Story
    labels: Mapping[str, str] = {}

    @property
    def runbook(self) -> str:
        return f"{RUNBOOKS}/{self.name}.md"


class Recording(NamedTuple):
    """One recording rule."""

    record: str
    expr: str


class Group(NamedTuple):
    """Rules that are evaluated together."""

    name: str
    rules: tuple[Alert | Recording, ...]
