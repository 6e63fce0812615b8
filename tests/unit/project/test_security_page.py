"""SECURITY.md names tests that exist, and each flow has its threats."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def missing(page: str) -> list[str]:
    """The tests that a page names and that are not there."""
    gone = []
    for path, function in NAMED.findall(page):
        file = ROOT / path
        if not file.is_file() or (function and not re.search(rf"^(async )?def {function}\(", file.read_text(), re.M)):
            gone.append(f"{path}::{function}")
    return gone


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    assert missing(page) == []
    assert len(NAMED.findall(page)) > 25


def test_every_threat_names_a_test() -> None:
    table = (ROOT / "SECURITY.md").read_text().split("| flow | threat |")[1].splitlines()[2:]
    rows = [line.split("|") for line in table if line.startswith("|")]
    assert [row[1] for row in rows if not NAMED.search(row[4])] == []
    assert {letter for row in rows for letter in re.findall(r"[STRIDE]", row[2].split(":")[0])} == set("STRIDE")


def test_control_a_test_that_is_gone_is_found() -> None:
    assert missing("`tests/unit/project/test_security_page.py::test_nothing`") != []
    assert missing("`tests/nowhere.py`") != []
