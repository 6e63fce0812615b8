"""The report: complete, readable without a network, and nothing a service says can break out of it."""

import re
from html.parser import HTMLParser
from pathlib import Path

from tierflow_embedded.report import figures
from tierflow_embedded.report.model import (
    Check,
    Load,
    MonthMoves,
    Mover,
    PlannedContact,
    Pyramid,
    Report,
    SaleCase,
    SaleReason,
    TierCount,
    Words,
)
from tierflow_embedded.report.page import render, write

TIERS = ("general", "personal", "platinum", "private")


def _report(**changed: object) -> Report:
    counts = zip(TIERS, (90, 30, 6, 1), strict=True)
    pyramid = Pyramid(
        "private-bank",
        Words("Private bank tiers", "私人银行客户分级"),
        "2026-01",
        [TierCount(tier, Words(tier, "级"), count) for tier, count in counts],
    )
    parts: dict[str, object] = {
        "title": "A bank",
        "business_date": "2026-06-30",
        "pyramids": [pyramid],
        "moves": [MonthMoves("2026-05", 3, 1, {"general → personal": 3, "platinum → personal": 1})],
        "movers": [Mover("c-1", "general", "private", "2026-05-04", ["AUM 9,000,000"])],
        "plan_rm": "rm-1",
        "plan": [PlannedContact("2026-07-01", "c-1", "phone", True, ["weekly contact"])],
        "loads": [Load("rm-1", 80, 100), Load("rm-2", 120, 100)],
        "sales": {"confirmed": 5, "needs-evidence": 2, "rejected": 1},
        "sale_reasons": [SaleReason("cn-nfra.level-match", "12", "block", 1)],
        "examples": [SaleCase("s-1", "blocked", "fund-tech", "100.00 CNY", ["above the level (article 12)"])],
        "checks": [Check("events", 10, 10), Check("accounts", 4, 3)],
        "digests": {"digest": "abc"},
    }
    return Report(**{**parts, **changed})  # type: ignore[arg-type]


class _Balance(HTMLParser):
    """Counts open tags; void elements never close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_holds_every_part() -> None:
    page = render(_report())
    balance = _Balance()
    balance.feed(page)
    assert balance.open == []
    assert page.count("<svg") == 4
    for text in ("c-1", "rm-2", "2026-05", "cn-nfra.level-match", "私人银行", "differs", "article 12"):
        assert text in page


def test_the_page_asks_nothing_of_the_network() -> None:
    page = render(_report())
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", re.sub(r"<svg.*?</svg>", "", page, flags=re.S)) == []
    assert "@import" not in page.replace("@import url()", "")
    assert "<script" not in page


def test_what_services_say_is_escaped() -> None:
    page = render(_report(title="<script>alert(1)</script>", plan_rm="<b>x</b>"))
    assert "<script" not in page
    assert "&lt;b&gt;x" in page


def test_an_empty_bank_has_a_report_too() -> None:
    empty = _report(pyramids=[], moves=[], movers=[], plan=[], loads=[], sales={}, sale_reasons=[], examples=[])
    page = render(empty)
    assert "Nobody moved." in page
    assert "No contact is due." in page


def test_equal_data_give_equal_plots() -> None:
    pyramid = _report().pyramids[0]
    assert figures.pyramid(pyramid) == figures.pyramid(pyramid)


def test_writing_makes_the_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.html"
    write(_report(), path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
