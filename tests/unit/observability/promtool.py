"""promtool as the project gets it: the one on the path, else Debian's."""

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]


def promtool(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs it; what it prints, errors included, is in `stdout`."""
    found = subprocess.run(
        ["bash", ROOT / "scripts" / "promtool.sh"], capture_output=True, text=True, check=True, timeout=300
    )
    return subprocess.run(
        [found.stdout.strip(), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
    )  # fmt: skip
