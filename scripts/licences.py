"""`python -m scripts.licences [--check]`: writes docs/licences.md, what Tierflow runs with and under which licence."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LIST: Final = ROOT / "docs/licences.md"

ALLOWED: Final = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-CMU", "MIT-0",
        "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "LGPL-3.0-only", "LGPL-3.0-or-later",
    }
)  # fmt: skip
"""SPDX identifiers. MPL and LGPL ask for nothing of who imports an unchanged package."""

_AS_WRITTEN: Final[Mapping[str, str]] = {
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "PSFL": "PSF-2.0",
}
_HEAD: Final = """# Licences of what Tierflow runs with

Written by `python -m scripts.licences` from the packages' own metadata. `make test` fails when a package comes or goes,
or when its licence is none of those that `scripts/licences.py` allows. Tierflow itself is Apache-2.0.

| package | version | licence |
|---|---|---|
"""


class LicenceError(Exception):
    """A package has a licence that nobody allowed; the message names both."""


def runtime_packages(root: str = "tierflow") -> list[str]:
    """The names of all packages that `root` needs to run here, canonical, in order."""
    found: set[str] = set()
    waiting = [Requirement(root)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        key = f"{name}[{','.join(sorted(wanted.extras))}]"
        if key in found:
            continue
        found.add(key)
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    names = {key.partition("[")[0] for key in found}
    return sorted(names - {canonicalize_name(root)})


def terms(text: str) -> list[str]:
    """The licences that a package names, as SPDX identifiers where the field's other names for them are known."""
    if text in _AS_WRITTEN:
        return [_AS_WRITTEN[text]]
    parts = [part.strip(" ()") for part in re.split(r";|\bAND\b|\bOR\b|\bWITH\b", text)]
    return [_AS_WRITTEN.get(part, part) for part in parts if part]


def table(packages: Iterable[Mapping[str, str]]) -> str:
    """The page.

    Raises:
        LicenceError: a package names a licence that is not allowed.
    """
    lines = []
    for package in sorted(packages, key=lambda one: canonicalize_name(one["Name"])):
        found = terms(package["License"])
        refused = [term for term in found if term not in ALLOWED]
        if refused or not found:
            raise LicenceError(f"{package['Name']} {package['Version']}: {package['License']!r} is not allowed")
        lines.append(f"| {canonicalize_name(package['Name'])} | {package['Version']} | {', '.join(found)} |")
    return _HEAD + "\n".join(lines) + "\n"


def page() -> str:
    """The page for what is installed."""
    names = runtime_packages()
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--packages", *names]
    return table(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))  # noqa: S603


def main() -> int:
    """Writes the page, or with --check says whether it is up to date."""
    now = page()
    if "--check" not in sys.argv[1:]:
        LIST.write_text(now, "utf-8")
    elif not LIST.is_file() or LIST.read_text("utf-8") != now:
        sys.stderr.write("docs/licences.md is not up to date: run python -m scripts.licences\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
