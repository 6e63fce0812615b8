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
