"""The curve: our scoring in 1 and 2 processes, with 10 k, 100 k and 1 M customers."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from bench.result import Result
from bench.streaming.ours import Ours, scoring

CUSTOMERS: Final = (10_000, 100_000, 1_000_000)
PROCESSES: Final = (1, 2)
BROKER: Final = {"group.initial.rebalance.delay.ms": "6000"}
"""The group waits for its second member, so that both have their half from the first event on."""
PARTITIONS: Final = 8
"""More than members, so that a half each is a half of the customers, too."""


def engines(customers: int) -> list[Ours]:
    """The engines of one book: one for each number of processes."""
    return [scoring(number, f"scoring-{customers}-p{number}") for number in PROCESSES]


def table(points: Sequence[tuple[int, Result]]) -> Table:
    """Customers with their results, in the order in which they were measured."""
    shown = Table(title="scoring: events per second, memory, and processor time beside it", title_justify="left")
    for heading in (
        "customers", "processes", "events/s", "engine RSS MiB", "engine CPU µs/event", "PostgreSQL CPU µs/event",
        "PostgreSQL cores", "PostgreSQL RSS MiB", "others",
    ):  # fmt: skip
        shown.add_column(heading)
    for customers, result in points:
        turns, settings = result.detail["turns"], result.detail["settings"]
        assert isinstance(turns, list)
        assert isinstance(settings, dict)
        last = turns[-1]
        cpu, memory = last["cpu_us_per_event"], last["peak_rss_mib"]
        cores = last["cpu_s"].get("postgres", 0) / last["seconds"]
        shown.add_row(
            f"{customers:,}", str(settings["processes"]), f"{result.figure:,.0f}", f"{memory.get('engine', 0):,}",
            str(cpu.get("engine")), str(cpu.get("postgres")), f"{cores:.2f}",
            f"{memory.get('postgres', 0):,}", f"{last['others_share']:.0%}",
        )  # fmt: skip
    return shown
