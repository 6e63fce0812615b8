"""What people see at the terminal: progress on standard error, results on standard output."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # the session brings all services with it; commands that need none start faster
    from tierflow_embedded.replay.reconcile import Reconciliation
    from tierflow_embedded.replay.session import FileOutcome


class Counter:
    """One line of progress."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self, by: int) -> None:
        self._progress.advance(self._task, by)

    def show(self, completed: int) -> None:
        """Sets how much is done."""
        self._progress.update(self._task, completed=completed)

    def finish(self) -> None:
        """Stops the line where it is."""
        task = self._progress.tasks[self._progress.task_ids.index(self._task)]
        self._progress.update(self._task, total=task.completed)


class Display:
    """Progress bars while something runs; quiet where standard error is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def counter(self, description: str, total: int | None = None) -> Counter:
        """A new line of progress; `total` None when the end is not known."""
        return Counter(self._progress, self._progress.add_task(description, total=total))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: int = 0) -> Group:
    """A title over a table whose last `numbers` columns are aligned to the right."""
    made = Table(header_style="dim", box=None, padding=(0, 2, 0, 0))
    for position, column in enumerate(columns):
        is_number = position >= len(columns) - numbers
        made.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        made.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return Group(Text(title, style="bold"), made)


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON object on one line, as the last thing on standard output."""
    Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(content).decode())


def show_reconciliation(outcome: "Reconciliation", *, as_json: bool) -> None:
    """The reconciliation for people, or as one JSON line for programs."""
    if as_json:
        print_json(outcome.summary())
        return
    console = Console(highlight=False)
    for part in reconciliation_tables(outcome):
        console.print(part, "")
    for name, digest in (("digest", outcome.digests.digest), ("decisions_digest", outcome.digests.decisions_digest)):
        console.print(f"{name:17} {digest}", soft_wrap=True)
    rate = outcome.counts.total_accepted / max(outcome.seconds, 1e-9)
    console.print(f"{outcome.counts.total_accepted:,} events in {outcome.seconds:.1f} s ({rate:,.0f} a second)")
    for line in (*outcome.counts.refused, *outcome.accounts.different):
        console.print(f"[red]{line}[/red]")
    verdict = "[bold green]Everything agrees.[/]" if outcome.agrees else "[bold red]Something does not agree.[/]"
    console.print(verdict)


def reconciliation_tables(outcome: "Reconciliation") -> list[Group]:
    """Rows, effects, accounts, tiers and sales, each as a table."""
    counts = outcome.counts
    rows = [(name, counts.read[name], counts.accepted[name], counts.duplicates[name]) for name in counts.read]
    effects = [(one.service, one.event_type, one.sent, one.applied, one.lost, one.doubled) for one in outcome.effects]
    accounts = outcome.accounts
    books = [("accounts", accounts.expected, accounts.found, accounts.equal)]
    tiers = [
        (p.scheme, tier.tier, tier.label.chinese, tier.customers) for p in outcome.outcomes.pyramids for tier in p.tiers
    ]
    moves = [(scheme, m.month, m.up, m.down) for scheme, months in outcome.outcomes.moves.items() for m in months]
    sales: list[Sequence[object]] = list(outcome.outcomes.sales.items())
    reasons = [(rule, verdict, n) for rule, by in outcome.outcomes.sale_reasons.items() for verdict, n in by.items()]
    plan = outcome.outcomes.plan
    found = [
        table("Rows", ("table", "read", "accepted", "again"), rows, numbers=3),
        table("Effects", ("service", "event", "sent", "applied", "lost", "doubled"), effects, numbers=4),
        table(
            "Accounts: signed sums and closing balances", ("", "in the files", "in scoring", "equal"), books, numbers=3
        ),
        table("Tiers", ("scheme", "tier", "等级", "customers"), tiers, numbers=1),
        table("Moves by month", ("scheme", "month", "up", "down"), moves, numbers=2),
        table("Sales", ("outcome", "sales"), sales, numbers=1),
        table("Reasons", ("rule", "verdict", "sales"), reasons, numbers=1),
    ]
    if plan is not None:
        title = f"Week of {plan.rm_id}: {plan.contacts} contacts, {plan.overflow} more are due"
        found.append(table(title, ("day", "contacts"), list(plan.per_day.items()), numbers=1))
    return found


def show_counts(outcome: "FileOutcome", *, as_json: bool) -> None:
    """What became of a file of events."""
    counts = outcome.counts
    if as_json:
        print_json(
            {
                "read": counts.total_read,
                "accepted": counts.total_accepted,
                "duplicates": counts.duplicates.total(),
                "refused": counts.refused,
                "by_type": dict(counts.accepted),
                "seconds": round(outcome.seconds, 3),
            }
        )
        return
    console = Console(highlight=False)
    rows = [(name, counts.read[name], counts.accepted[name], counts.duplicates[name]) for name in counts.read]
    console.print(table("Events", ("type", "read", "accepted", "again"), rows, numbers=3))
    for line in counts.refused:
        console.print(f"[red]{line}[/red]")
