"""A short campaign on the embedded shape, clean with all protections and found out without."""

from pathlib import Path

import pytest

from tests.chaos import controls
from tests.chaos.campaign import Campaign, Orders
from tests.chaos.plan import Fault
from tests.chaos.shapes import EmbeddedShape, Shape


def open_shape(folder: Path) -> Shape:
    return EmbeddedShape(folder, disk_megabytes=300)


def fault(number: int, at_s: float, kind: str, target: str) -> Fault:
    return Fault(number, at_s, kind, target, 1.0, 1, 20.0)


def test_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    """Crashes between commit and relay and in the schema, a clock that jumps, old ids and poison."""
    faults = [
        fault(0, 2.0, "crash:after-commit", "suitability"),
        fault(1, 5.0, "clock-step", "all"),
        fault(2, 7.0, "poison", "bank.events"),
        fault(3, 8.0, "resent-ids", "producers"),
    ]
    orders = Orders(seed=3, length_s=10.0, rate=400.0, customers=60, producers=2, days=30, plan=faults, sample=20)
    lines: list[str] = []
    result = Campaign(orders, open_shape(tmp_path), tmp_path, lines.append).run()
    assert result.problems == [], lines
    assert dict(result.findings.counts) == {}, dict(result.findings.examples)
    assert [one.skipped for one in result.struck] == [None] * 5
    assert result.acknowledged > 1_000
    assert result.findings.compared["tier paths"] == 20


@pytest.mark.parametrize("name", ["atomic-offset", "dedupe"])
def test_without_a_protection_the_checker_finds_it(name: str, tmp_path: Path) -> None:
    """The same kind of campaign, one protection less."""
    control = next(one for one in controls.CONTROLS if one.without == name)
    lines: list[str] = []
    verdict = controls.run(control, 3, open_shape, tmp_path, lines.append)
    assert verdict.failed_as_it_must, (verdict, lines)
