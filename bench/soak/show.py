"""What a run shows: a line now and then while it goes on, and a plot in the end."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from bench.result import FOLDER
from bench.soak.trend import Trend
from bench.soak.watch import READERS, Sample

say: Final = Console(stderr=True, highlight=False)
SERVICES: Final = ("events", *READERS)
_COLOURS: Final = dict(zip((*SERVICES, "kafka"), ("#134b66", "#2f8f6b", "#c4573a", "#b28ac9", "#8a99a3"), strict=True))
_BAR: Final = 20
Span = tuple[float, float]


class Lines:
    """Tells of a look now and then: the time, how much came in, memory, what waits."""

    def __init__(self, whole_s: float, every_s: float = 10.0) -> None:
        self._whole_s, self._every_s, self._next = whole_s, every_s, 0.0
        self._events, self._at = 0, 0.0

    def __call__(self, sample: Sample) -> None:
        """Takes a look in; prints every tenth second."""
        if sample.at < self._next:
            return
        rate = (sample.events - self._events) / max(0.001, sample.at - self._at)
        self._next, self._events, self._at = sample.at + self._every_s, sample.events, sample.at
        full = min(_BAR, int(_BAR * sample.at / self._whole_s))
        memory = " ".join(f"{name} {sample.rss[name]:.0f}" for name in SERVICES if name in sample.rss)
        say.print(
            f"[cyan]{'━' * full}{'·' * (_BAR - full)}[/] {sample.at:6.0f} s  {rate:6,.0f} events/s  "
            f"{sample.sales:,} sales  MiB: {memory}  late {sum(sample.late.values()):,}  "
            f"outbox {sum(sample.outbox.values()):,}",
            soft_wrap=True,
        )


def plot(
    name: str, samples: Sequence[Sample], *, trends: Mapping[str, Trend], away: Span | None, measured: Span | None
) -> Path:
    """Memory, lag, outbox and intake over time, as `var/bench/<name>.svg`.

    `away` is when something was down, `measured` is where the lines of `trends` were fitted (both in seconds).
    """
    figure = Figure(figsize=(9, 10), layout="constrained")
    memory, lag, outbox, intake = figure.subplots(4, 1, sharex=True, height_ratios=(3, 2, 2, 2))
    for service in SERVICES:
        _series(memory, service, [(one.at, one.rss[service]) for one in samples if service in one.rss])
        if measured is not None and service in trends:
            _line(memory, trends[service], measured)
    for service in READERS:
        _series(lag, service, [(one.at, float(one.lag[service])) for one in samples])
        _series(outbox, service, [(one.at, float(one.outbox[service])) for one in samples if service in one.outbox])
    pairs = list(itertools.pairwise(samples))
    intake.plot([b.at for _, b in pairs], [(b.events - a.events) / (b.at - a.at) for a, b in pairs], color="#134b66")
    for axes, title in (
        (memory, "resident memory, MiB"), (lag, "messages not taken yet"), (outbox, "messages that wait in the outbox"),
        (intake, "events acknowledged a second"),
    ):  # fmt: skip
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        if away is not None:
            axes.axvspan(*away, color="#c4573a", alpha=0.12)
    memory.legend(loc="lower right", ncols=len(SERVICES), frameon=False, fontsize=8)
    intake.set_xlabel("seconds")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.svg"
    figure.savefig(path)
    return path


def _series(axes: Axes, service: str, points: Sequence[tuple[float, float]]) -> None:
    axes.plot([x for x, _ in points], [y for _, y in points], label=service, color=_COLOURS[service], linewidth=1)


def _line(axes: Axes, trend: Trend, measured: Span) -> None:
    middle = sum(measured) / 2
    ends = [trend.mean + trend.slope * (at - middle) / 3600 for at in measured]
    axes.plot(measured, ends, color="black", linewidth=0.8, linestyle="--")
