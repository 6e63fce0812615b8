"""Each alert fires on its story, keeps silent on the healthy one, and has a page that says what to do."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.unit.observability.promtool import ROOT, promtool
from tierflow_observability.dashboards import expressions as panels
from tierflow_observability.model import Alert
from tierflow_observability.rules import GROUPS, alerts, rule_files, story_files

ALERTS: Final = list(alerts())
PROMETHEUS: Final = ROOT / "deploy" / "observability" / "prometheus"
HEADINGS: Final = ("What it means", "What customers notice", "First looks", "Repair", "When to escalate")


def _written(folder: Path, rules: dict[str, Any]) -> list[Path]:
    """Rules and stories in files, the stories' paths returned."""
    for kind, files in (("rules", rules), ("tests", story_files())):
        (folder / kind).mkdir()
        for name, content in files.items():
            (folder / kind / name).write_text(yaml.safe_dump(content))
    return sorted((folder / "tests").iterdir())


def test_every_alert_fires_on_its_story_and_on_no_other() -> None:
    rules = sorted((PROMETHEUS / "rules").glob("*.yaml"))
    checked = promtool("check", "rules", *rules)
    assert checked.returncode == 0, checked.stdout
    told = promtool("test", "rules", *sorted((PROMETHEUS / "tests").glob("*.yaml")))
    assert told.returncode == 0, told.stdout
    assert told.stdout.count("SUCCESS") == len(rules) == len(GROUPS)


@pytest.mark.parametrize("expr", ["vector(1) == 0", "vector(1)"], ids=["never", "always"])
def test_the_stories_tell_rules_that_are_deaf_or_mad(tmp_path: Path, expr: str) -> None:
    """The control: no file of stories is content with alerts that never fire, or always."""
    rules = rule_files()
    for content in rules.values():
        for rule in content["groups"][0]["rules"]:
            if "alert" in rule:
                rule["expr"] = expr
    for stories in _written(tmp_path, rules):
        told = promtool("test", "rules", stories)
        assert told.returncode != 0, f"{stories.name} does not notice"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda one: "-".join([one.name, *one.labels.values()]))
def test_an_alert_has_both_stories_and_a_page(alert: Alert) -> None:
    assert alert.fires.series
    assert alert.fires.labels
    assert alert.silent.series
    assert not alert.silent.labels
    page = (ROOT / alert.runbook).read_text()
    assert page.startswith(f"# {alert.name}\n")
    assert [heading for heading in HEADINGS if f"\n## {heading}\n" not in page] == []
    assert "```sh\n" in page.partition("## First looks")[2]


def test_pages_and_stories_belong_to_alerts() -> None:
    names = {alert.name for alert in ALERTS}
    assert {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")} == names
    told = Counter(
        test["alert_rule_test"][0]["alertname"] for stories in story_files().values() for test in stories["tests"]
    )
    assert told == Counter({name: 2 * sum(alert.name == name for alert in ALERTS) for name in names})


def test_expressions_of_panels_are_right(tmp_path: Path) -> None:
    """Prometheus' own parser reads them as rules."""
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(panels())]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", path)
    assert checked.returncode == 0, checked.stdout
    path.write_text(path.read_text().replace("sum by", "sun by"))
    assert promtool("check", "rules", path).returncode != 0
