"""Overlays, built."""

from pathlib import Path
from typing import Final

import yaml

from tests.k8s_check.manifests import Build
from tests.k8s_check.tools import ROOT, Tools, run

OVERLAYS: Final = ROOT / "deploy" / "k8s" / "overlays"


def overlays() -> list[Path]:
    """Every overlay of the project."""
    return sorted(path.parent for path in OVERLAYS.glob("*/kustomization.yaml"))


def build(overlay: Path, tools: Tools) -> tuple[Build, str]:
    """The objects of an overlay, and the text they came from.

    Raises:
        ToolError: it does not build.
    """
    text = run([*tools.kustomize, overlay])
    return Build(overlay.name, [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]), text
