"""Writes generated files, or says which ones on disk are not what the code gives."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class GeneratedFiles:
    """Documents by path below a root; text is written as it is. A folder listed in `owned` holds nothing else."""

    root: Path
    documents: Mapping[str, Any]
    owned: tuple[str, ...]

    def write(self) -> list[str]:
        """Brings the disk up to date; returns the paths that changed."""
        stale = self.stale()
        for name in stale:
            path = self.root / name
            if name in self.documents:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_text(self.documents[name]))
            else:
                path.unlink()
        return stale

    def run(self, arguments: Sequence[str]) -> int:
        """A command of its own: with `--check` it names what is stale (1), else it writes that (0)."""
        if "--check" in arguments:
            stale = self.stale()
            for name in stale:
                sys.stderr.write(f"{name} is not what the code generates; run: make fix\n")
            return 1 if stale else 0
        for name in self.write():
            sys.stdout.write(f"written: {name}\n")
        return 0

    def stale(self) -> list[str]:
        """Paths that are missing, differ, or should not be there."""
        present = {
            str(path.relative_to(self.root))
            for folder in self.owned
            for path in (self.root / folder).glob("*")
            if path.suffix in _GENERATED
        }
        differing = {
            name
            for name, document in self.documents.items()
            if not (self.root / name).is_file() or (self.root / name).read_text() != _text(document)
        }
        return sorted(differing | (present - set(self.documents)))


_GENERATED: Final = (".json", ".yaml")


def _text(document: Any) -> str:
    if isinstance(document, str):
        return document
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
