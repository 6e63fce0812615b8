"""The report's plots as inline SVG. Text stays text: sharp, selectable, and no font is embedded."""

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tierflow_embedded.report.model import SALE_STATES, Load, MonthMoves, Pyramid, words

STEPS: Final = ("#c9d6df", "#8fb8c9", "#3f86a5", "#134b66", "#0b2d3f", "#051923")
UP, DOWN, INK, QUIET = "#2f8f6b", "#c4573a", "#1d2b33", "#8a99a3"
_MONTHS_NAMED: Final = 10  # labels that fit side by side
_STATE_COLOURS: Final[Mapping[str, str]] = {
    "confirmed": UP,
    "approved": "#7fc0a5",
    "needs-evidence": "#e0b04a",
    "referred": "#b28ac9",
    "blocked": DOWN,
    "rejected": DOWN,
}


def _style() -> AbstractContextManager[None]:
    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "tierflow",
            "font.family": "sans-serif",
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.edgecolor": "#d5dde2",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


def pyramid(data: Pyramid) -> str:
    """Centred bars, the highest tier on top; the width is the square root of the count, so that small tiers show."""
    with _style():
        figure, axes = _canvas(6.2, 0.55 * max(3, len(data.tiers)) + 0.4)
        for step, tier in enumerate(data.tiers):
            width = tier.customers**0.5
            axes.barh(step, width, left=-width / 2, height=0.82, color=STEPS[step % len(STEPS)])
        widest = max((tier.customers**0.5 for tier in data.tiers), default=1.0) or 1.0
        for step, tier in enumerate(data.tiers):
            share = 100 * tier.customers / max(1, data.customers)
            axes.text(-widest * 0.98, step, tier.tier, va="center", ha="right", fontweight="bold")
            axes.text(widest * 0.62, step, f"{tier.customers:,}  ({share:.1f} %)", va="center", ha="left")
        axes.set_xlim(-widest * 1.35, widest * 1.35)
        axes.axis("off")
        return _svg(figure)


def migration(moves: Sequence[MonthMoves]) -> str:
    """Customers who rose above the line, customers who fell below it, month by month."""
    with _style():
        figure, axes = _canvas(9.2, 3.2)
        months = range(len(moves))
        axes.bar(months, [month.up for month in moves], color=UP, width=0.72, label="up")
        axes.bar(months, [-month.down for month in moves], color=DOWN, width=0.72, label="down")
        axes.axhline(0, color=INK, linewidth=0.8)
        step = -(-len(moves) // _MONTHS_NAMED)
        axes.set_xticks(list(months)[::step], [month.month for month in moves][::step], rotation=0, fontsize=8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(int(value)):,}")
        axes.set_ylabel("customers")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
        return _svg(figure)


def load(loads: Sequence[Load]) -> str:
    """Each RM's planned contacts against the capacity of the week."""
    with _style():
        shown = sorted(loads, key=lambda item: (-item.planned, item.rm_id))[:24]
        figure, axes = _canvas(9.2, 0.26 * max(4, len(shown)) + 0.7)
        rows = range(len(shown))
        axes.barh(rows, [item.capacity for item in shown], color="#dbe5ea", height=0.8, label="capacity")
        colours = [DOWN if item.planned > item.capacity else STEPS[2] for item in shown]
        axes.barh(rows, [item.planned for item in shown], color=colours, height=0.5, label="planned")
        axes.set_yticks(list(rows), [item.rm_id for item in shown], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("contacts in the week")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
        return _svg(figure)


def sales(by_state: Mapping[str, int]) -> str:
    """Sales by where they stand."""
    with _style():
        states = [state for state in SALE_STATES if by_state.get(state)]
        states += sorted(state for state in by_state if state not in SALE_STATES)
        figure, axes = _canvas(6.2, 0.42 * max(3, len(states)) + 0.3)
        counts = [by_state[state] for state in states]
        axes.barh(range(len(states)), counts, color=[_STATE_COLOURS.get(state, QUIET) for state in states], height=0.7)
        for row, count in enumerate(counts):
            axes.text(count, row, f"  {count:,}", va="center")
        axes.set_yticks(range(len(states)), [words(SALE_STATES, state).english for state in states])
        axes.set_xlim(0, max(counts, default=1) * 1.15)
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        return _svg(figure)


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The `<svg>` element alone, without the file's preamble and its date."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]
