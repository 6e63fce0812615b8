"""What a bench hands back, as a table row and as a file."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Result:
    """A figure beside a limit or a peer measured in the same run."""

    name: str
    figure: float
    limit_or_peer: float
    ratio: float
    goal: str
    reached: bool
    unit: str
    against: str
    detail: dict[str, object]

    def write(self) -> None:
        """Keeps the result as `var/bench/<name>.json`."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "system": platform.platform()}
        path = FOLDER / f"{self.name}.json"
        path.write_text(json.dumps({**asdict(self), "machine": machine}, indent=2) + "\n")
