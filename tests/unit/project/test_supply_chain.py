"""What is shipped: licences that are allowed, no secrets in the sources, a wheel that anybody can build again."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from detect_secrets import SecretsCollection
from detect_secrets.core import baseline
from scripts import licences

ROOT = Path(__file__).parents[3]
BASELINE = ROOT / ".secrets.baseline"
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "shared", "services", "deploy")


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [name for name in found.decode().split("\0") if name]


def secrets_in(folder: Path, names: list[str]) -> list[str]:
    """What the scanner finds beyond the baseline, as file:line."""
    known = baseline.load(json.loads(BASELINE.read_text("utf-8")), str(BASELINE))
    found = SecretsCollection(root=str(folder))
    for name in names:
        found.scan_file(name)
    expected = {(name, secret.secret_hash) for name, secret in known}
    return [f"{name}:{secret.line_number}" for name, secret in found if (name, secret.secret_hash) not in expected]


def test_the_sources_hold_no_secrets() -> None:
    """What looks like one and is none stands in the baseline, line by line."""
    skipped = ("requirements/", "uv.lock", "docs/", ".secrets.baseline")
    assert secrets_in(ROOT, [name for name in tracked() if not name.startswith(skipped)]) == []


def test_control_a_planted_secret_is_found(tmp_path: Path) -> None:
    key = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow\n"
    (tmp_path / "key.py").write_text(f"KEY = '''{key}'''\n", "utf-8")
    assert secrets_in(tmp_path, ["key.py"]) == ["key.py:1"]


def test_every_licence_is_allowed_and_listed() -> None:
    assert licences.LIST.read_text("utf-8") == licences.page(), "run python -m scripts.licences"


def test_control_a_licence_that_nobody_allowed_is_named() -> None:
    with pytest.raises(licences.LicenceError, match=r"thing 1\.0: 'AGPL-3\.0-only'"):
        licences.table([{"Name": "thing", "Version": "1.0", "License": "AGPL-3.0-only"}])
    with pytest.raises(licences.LicenceError, match="UNKNOWN"):
        licences.table([{"Name": "thing", "Version": "1.0", "License": "UNKNOWN"}])


def wheel_of(folder: Path, *, more: str = "") -> str:
    """SHA-256 of the wheel built from a copy of the sources in `folder`, with one more line in one of them."""
    folder.mkdir(parents=True)
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    with (folder / "shared/tierflow_shared/clock.py").open("a", encoding="utf-8") as clock:
        clock.write(more)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    (wheel,) = (folder / "dist").iterdir()
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_wheel_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    """Two copies of the sources, at other places and times; the control is a third with one more line."""
    first = wheel_of(tmp_path / "one")
    assert wheel_of(tmp_path / "other" / "deeper") == first
    assert wheel_of(tmp_path / "changed", more="# another source\n") != first
