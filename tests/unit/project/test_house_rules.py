"""Rules of the house that a machine can check."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
SOURCES = sorted(
    path
    for folder in ("shared", "services", "deploy", "tests", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def test_the_sources_are_found() -> None:
    """The checks below look at something."""
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_fit(path: Path) -> None:
    """No file over 400 lines, no function over 70."""
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, node.name


def _locked(name: str) -> set[str]:
    """The packages of a lock, each pinned with a hash."""
    lock = (ROOT / "requirements" / name).read_text()
    blocks = [block for block in lock.replace("\\\n", " ").splitlines() if block and not block.startswith(("#", " "))]
    assert blocks
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    return {block.split("==")[0].split("[")[0] for block in blocks}


@pytest.mark.parametrize(("lock", "left_out"), [("dev.txt", set()), ("runtime.txt", {"matplotlib"})])
def test_the_lock_pins_every_dependency_with_a_hash(lock: str, left_out: set[str]) -> None:
    """What `make setup` installs is what was tested; what the image holds is a part of it."""
    names = _locked(lock)
    assert not names & left_out
    names |= left_out
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in wanted:
        name = requirement.split(">")[0].split("[")[0].split("=")[0]
        assert name in names, requirement


def test_the_image_holds_no_tools_of_the_workshop() -> None:
    """Only what the services need at run time; and what builds the image is pinned, too."""
    assert not _locked("runtime.txt") & {"pytest", "ruff", "mypy", "hypothesis", "pip", "hatchling"}
    assert _locked("runtime.txt") < _locked("dev.txt")
    assert _locked("image.txt") >= {"pip", "hatchling", "cyclonedx-bom"}


def test_no_decision_asks_for_the_time() -> None:
    """The wall clock is read in one adapter."""
    readers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "tests" not in path.parts and "datetime.now(" in path.read_text()
    }
    assert readers == {"shared/tierflow_shared/clock.py"}


def test_ci_runs_what_the_readme_tells() -> None:
    """One command, the same everywhere."""
    assert "make test" in (ROOT / "README.md").read_text()
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
