"""kube-score's opinion, with each exception explained in `exceptions.toml`; one that excuses nothing is an error."""

import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.k8s_check.manifests import Finding
from tests.k8s_check.schemas import KUBERNETES
from tests.k8s_check.tools import ToolError, Tools

EXCEPTIONS: Final = Path(__file__).parent / "exceptions.toml"
_WARNING: Final = 5
"""Grades go from 1 (critical) over 5 (warning) to 7 (almost) and 10 (fine)."""
_LIMIT_S: Final = 60


def score(texts: Mapping[str, str], tools: Tools, exceptions: Path = EXCEPTIONS) -> Iterator[Finding]:
    """What kube-score holds against each overlay's text, beside the exceptions.

    Raises:
        ToolError: it does not run.
    """
    excused: dict[str, dict[str, str]] = tomllib.loads(exceptions.read_text(encoding="utf-8"))
    unused = {(check, where) for check, reasons in excused.items() for where in reasons}
    for name, text in texts.items():
        for check, where, what in _held(text, tools):
            key = next(
                ((check, place) for place in (f"{name}:{where}", where, "*") if place in excused.get(check, {})), None
            )
            if key is None:
                yield Finding("policy", f"{name}:{where}", f"{check}: {what}")
            else:
                unused.discard(key)
    for check, where in sorted(unused):
        yield Finding("policy", exceptions.name, f"{check} / {where} excuses nothing")


def _held(text: str, tools: Tools) -> Iterator[tuple[str, str, str]]:
    version = ".".join(KUBERNETES.split(".")[:2])
    command = [str(tools.kube_score), "score", "--output-format", "json", "--kubernetes-version", f"v{version}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError as error:
        raise ToolError(f"kube-score says no JSON: {done.stderr[-500:]}") from error
    for one in found:
        where = f"{one['type_meta']['kind']}/{one['object_meta']['name']}"
        for check in one["checks"]:
            if not check["skipped"] and check["grade"] <= _WARNING:
                comments = check["comments"] or [{"path": "", "summary": ""}]
                for comment in comments:
                    yield check["check"]["id"], where, f"{comment['path']} {comment['summary']}".strip()
