"""The image's recipe fits the project and the manifests that use it."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tierflow_embedded.server import PORTS

ROOT: Final = Path(__file__).parents[3]
RECIPE: Final = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
LAST_STAGE: Final = RECIPE.rsplit("\nFROM ", 1)[1]
STAND_INS: Final = (ROOT / "deploy" / "image" / "stand-ins.sh").read_text()
NAMED: Final = sorted(
    {
        name
        for file in (ROOT / "deploy" / "k8s" / "overlays" / "local").glob("*.yaml")
        for name in re.findall(r"^\s*image: (\S+)", file.read_text(), re.MULTILINE)
    }
)


def test_it_is_small_and_unprivileged() -> None:
    """A fixed user by number, which Pod Security can check; the base is an argument; nothing but Tierflow is added."""
    assert "USER 10001:10001" in LAST_STAGE
    assert 'ENTRYPOINT ["tierflow"]' in LAST_STAGE
    assert RECIPE.count("FROM ${BASE}") == 2
    assert not re.search(r"^(RUN|ADD) ", LAST_STAGE, re.MULTILINE)
    assert f"EXPOSE {' '.join(str(port) for port in PORTS.values())}" in LAST_STAGE


def test_every_package_comes_from_a_lock() -> None:
    """Each installation checks hashes, or takes the wheel that was just built."""
    installs = [line for line in RECIPE.splitlines() if "/pip " in line and " install " in line]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-index --no-deps" in line for line in installs)


def test_the_recipe_sees_every_package_of_the_wheel() -> None:
    """.dockerignore lets through what pyproject packs."""
    admitted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in packed["packages"]:
        assert any(package == path or package.startswith(f"{path}/") for path in admitted), package
    assert all((ROOT / path).exists() for path in admitted)


def test_manifests_are_found() -> None:
    assert len(NAMED) >= 3


@pytest.mark.parametrize("name", NAMED)
def test_each_image_of_the_local_overlay_has_a_stand_in(name: str) -> None:
    """So that `make k8s-e2e` runs where no registry can be reached."""
    kind = name.rsplit("/", 1)[-1].partition(":")[0]
    assert re.search(rf"^        {kind}(:[\d.*]+|\*)\) ", STAND_INS, re.MULTILINE), name
    assert (ROOT / "deploy" / "image" / "stand-ins" / kind / "Dockerfile").exists()


@pytest.mark.parametrize("script", sorted((ROOT / "deploy" / "image").rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_bash(script: Path) -> None:
    """Those that no test runs can at least be read by bash."""
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=30)
