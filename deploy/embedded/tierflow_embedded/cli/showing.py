"""The demo's result at the terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from tierflow_embedded.cli.console import table
from tierflow_embedded.demo.run import DemoResult
from tierflow_embedded.report.model import SALE_STATES, Check, Mover, PlannedContact, Pyramid, SaleCase, words

_MOVERS: Final = 6
_CONTACTS: Final = 12


def show_demo(result: DemoResult) -> None:
    """Pyramid, movers, one manager's day, three sales, the reconciliation, and where the report lies."""
    console, report = Console(highlight=False), result.report
    _pyramids(console, report.pyramids, report.business_date)
    _movers(console, report.movers)
    _day(console, report.plan_rm, report.plan)
    for case in report.examples:
        _sale(console, case)
    _checks(console, report.checks)
    verdict = "[green]Everything agrees.[/]" if result.agrees else "[red]Something does not agree.[/]"
    link = f"[link=file://{result.path.resolve()}]{result.path}[/link]"
    console.print(f"[bold]{verdict}[/bold] {result.seconds:.0f} s. The report with plots: {link}")


def _pyramids(console: Console, pyramids: Sequence[Pyramid], business_date: str) -> None:
    for pyramid in pyramids:
        rows = [(tier.tier, tier.label.chinese, tier.customers) for tier in reversed(pyramid.tiers)]
        title = f"{pyramid.label.english} {pyramid.label.chinese}, {business_date}"
        console.print(table(title, ("tier", "等级", "customers"), rows, numbers=1), "")


def _movers(console: Console, movers: Sequence[Mover]) -> None:
    rows = [(m.customer_id, f"{m.previous} → {m.tier}", m.on, "; ".join(m.reasons)) for m in movers[:_MOVERS]]
    console.print(table("The biggest movers, and why", ("customer", "move", "on", "reasons"), rows), "")


def _day(console: Console, rm_id: str, plan: Sequence[PlannedContact]) -> None:
    first = plan[0].on if plan else ""
    today = [contact for contact in plan if contact.on == first]
    rows = [
        (c.customer_id, c.channel, "familiar 熟客" if c.familiar else "unfamiliar 生客", "; ".join(c.reasons))
        for c in today[:_CONTACTS]
    ]
    title = f"The day of {rm_id}, {first}: {len(today)} customers"
    console.print(table(title, ("customer", "channel", "", "why"), rows), "")


def _sale(console: Console, case: SaleCase) -> None:
    state = words(SALE_STATES, case.state)
    console.print(
        f"[bold]Sale {state.english} {state.chinese}[/bold]  {case.sale_id}: {case.product_id}, {case.amount}"
    )
    for finding in case.findings:
        console.print(f"  {finding}")
    console.print()


def _checks(console: Console, checks: Sequence[Check]) -> None:
    rows = [(check.what, check.expected, check.found, "agrees" if check.agrees else "DIFFERS") for check in checks]
    console.print(table("Reconciliation", ("", "expected", "found", ""), rows), "")
