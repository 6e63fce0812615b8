"""All checks of all overlays."""

from collections.abc import Callable, Iterator
from typing import Final

from tests.k8s_check.building import build, overlays
from tests.k8s_check.environment import environment, secrets
from tests.k8s_check.hardening import hardening
from tests.k8s_check.kafka import kafka
from tests.k8s_check.manifests import Build, Finding
from tests.k8s_check.network import network
from tests.k8s_check.schemas import Schemas
from tests.k8s_check.score import score
from tests.k8s_check.shape import databases, ports, release, scales, times
from tests.k8s_check.tools import have_tools

Check = Callable[[Build], Iterator[Finding]]
CONSISTENCY: Final[tuple[Check, ...]] = (
    environment, secrets, ports, times, release, scales, databases, kafka, network, hardening,
)  # fmt: skip


def check_all() -> tuple[dict[str, int], list[tuple[str, Finding]]]:
    """The number of objects by overlay, and every finding with its overlay.

    Raises:
        ToolError: a tool is missing, or an overlay does not build.
    """
    tools = have_tools()
    schemas = Schemas(tools)
    counts: dict[str, int] = {}
    texts: dict[str, str] = {}
    found: list[tuple[str, Finding]] = []
    for folder in overlays():
        built, texts[folder.name] = build(folder, tools)
        counts[built.name] = len(built.objects)
        broken = list(schemas.findings(built))
        found += [(built.name, one) for one in broken]
        if not broken:  # the others read what the schema promises
            found += [(built.name, one) for check in CONSISTENCY for one in check(built)]
    found += [("all", one) for one in score(texts, tools)]
    return counts, found
