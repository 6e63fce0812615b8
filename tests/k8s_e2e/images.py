"""The images that the overlay names: ours is built, the others are fetched or made, all are brought to the node."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.k8s_e2e.notes import FailedError, Notes

ROOT: Final = Path(__file__).parents[2]
BASE: Final = "docker.io/library/python:3.11-slim"
_REGISTRY: Final = "https://registry-1.docker.io/v2/"
_BUILD_LIMIT_S: Final = 3_000
_LOOK_LIMIT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """How images come to the node. `load` is a command with `{image}` in it; empty: the node finds them itself."""

    load: str
    build: bool


def images_of(manifests: str) -> set[str]:
    """The images of all containers, by their full names."""
    found: set[str] = set()
    for document in yaml.safe_load_all(manifests):
        _collect(document, found)
    return {name if "/" in name else f"docker.io/library/{name}" for name in found}


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"containers", "initContainers"}:
                found.update(container["image"] for container in value)
            _collect(value, found)
    elif isinstance(node, list):
        for value in node:
            _collect(value, found)


def registry_answers() -> bool:
    """True where Docker Hub can be reached; it answers 401 to those who say nothing more."""
    try:
        return httpx.get(_REGISTRY, timeout=_LOOK_LIMIT_S).status_code in {200, 401}
    except httpx.HTTPError:
        return False


def bring(wanted: Wanted, manifests: str, notes: Notes, log: Path) -> None:
    """Builds, makes and loads.

    Raises:
        FailedError: a program failed; the log says why.
    """
    images = images_of(manifests)
    ours = next(name for name in sorted(images) if name.startswith("docker.io/library/tierflow:"))
    others, reachable = sorted(images - {ours}), registry_answers()
    if not reachable:
        with notes.step("stand-ins for official images, from Debian packages") as seen:
            names = [*others, *([BASE] if wanted.build else [])]
            _run(["bash", "deploy/image/stand-ins.sh", *names], log)
            seen["images"] = len(names)
    if wanted.build:
        with notes.step("image built") as seen:
            _run(["bash", "deploy/image/build.sh"], log, IMAGE=ours)
            seen.update(yaml.safe_load((ROOT / "var" / "image" / "image.json").read_text()))
    if wanted.load:
        with notes.step("images loaded into the node") as seen:
            loaded = [ours] if reachable else [ours, *others]
            for name in loaded:
                _run(shlex.split(wanted.load.replace("{image}", name)), log)
            seen["images"] = len(loaded)


def _run(command: list[str], log: Path, **variables: str) -> None:
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False,
                env={**os.environ, **variables}, timeout=_BUILD_LIMIT_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FailedError(f"{' '.join(command[:3])}: {error}") from error
    if done.returncode != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise FailedError(f"{' '.join(command[:3])} failed: {' / '.join(last)}; see {log}")
