"""The demo as a newcomer runs it: one command, ends by itself, and the report lies where it says."""

import subprocess
import sys
from pathlib import Path


def test_the_demo_ends_by_itself_with_a_report(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tierflow_embedded", "demo", "--customers", "64", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "Private bank tiers",
        "biggest movers",
        "The day of rm-",
        "confirmed",
        "blocked",
        "Everything agrees",
    ):
        assert words in " ".join(done.stdout.split())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 4
    assert "article 12" in page or "article 16" in page
    assert "Traceback" not in done.stderr
