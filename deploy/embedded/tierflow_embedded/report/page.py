"""Puts the report into one HTML file."""

from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tierflow_embedded.report import figures
from tierflow_embedded.report.model import SALE_STATES, Report, words


def render(report: Report) -> str:
    """The whole page; everything a service said is escaped."""
    environment = Environment(
        loader=PackageLoader("tierflow_embedded", "report"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        facts=_facts(report),
        pyramids=[(pyramid, figures.pyramid(pyramid)) for pyramid in report.pyramids],
        migration=figures.migration(report.moves) if report.moves else "",
        load=figures.load(report.loads) if report.loads else "",
        sales=figures.sales(report.sales) if report.sales else "",
        steps=figures.STEPS,
        words=partial(words, SALE_STATES),
    )


def write(report: Report, path: Path) -> None:
    """Writes the page, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(report), encoding="utf-8")


def _facts(report: Report) -> list[tuple[str, str]]:
    """The numbers at the top of the page."""
    customers = max((pyramid.customers for pyramid in report.pyramids), default=0)
    return [
        (f"{customers:,}", "customers 客户"),
        (f"{sum(month.up for month in report.moves):,}", "upgrades 升级"),
        (f"{sum(month.down for month in report.moves):,}", "downgrades 降级"),
        (f"{sum(item.planned for item in report.loads):,}", "contacts planned 计划接触"),
        (f"{sum(report.sales.values()):,}", "sales decided 销售决定"),
    ]
