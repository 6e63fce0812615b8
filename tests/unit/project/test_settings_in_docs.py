"""Every setting that a page names exists."""

import re
from pathlib import Path
from typing import Final

import pytest

from tierflow_contact_planner.settings import PlannerSettings
from tierflow_events.settings import EventsSettings
from tierflow_scoring.settings import ScoringSettings
from tierflow_suitability.settings import SuitabilitySettings

ROOT: Final = Path(__file__).parents[3]
TOOLS: Final = {"TIERFLOW_URL", "TIERFLOW_TOKEN", "TIERFLOW_DEBUG", "TIERFLOW_IMAGE", "TIERFLOW_CRASH_AT"}
SETTINGS: Final = {
    f"TIERFLOW_{name.upper()}"
    for settings in (EventsSettings, ScoringSettings, PlannerSettings, SuitabilitySettings)
    for name in settings.model_fields
}
PAGES: Final = [
    *ROOT.glob("*.md"),
    ROOT / "docs" / "guarantee.md",
    *(ROOT / "docs" / "how-to").glob("*.md"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"TIERFLOW_[A-Z_]*[A-Z]", page.read_text()))
    assert named <= SETTINGS | TOOLS


def test_the_guarantee_names_its_limits() -> None:
    named = set(re.findall(r"TIERFLOW_[A-Z_]*[A-Z]", (ROOT / "docs" / "guarantee.md").read_text()))
    assert len(named) >= 15
