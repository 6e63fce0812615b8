"""Builds and installs the peers under `var/peers`, once for each state of their sources."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parents[1] / "peers"
_VAR: Final = Path("var/peers")
_LIMIT_S: Final = 1_800


class BuildError(Exception):
    """A peer cannot be built or installed here; the message says what is missing."""


def java_classpath(module: str) -> str:
    """The class path of a built Java peer (`kafka-streams` or `flink`); Maven runs when its sources have changed.

    Raises:
        BuildError: Java or Maven is missing, or Maven failed.
    """
    sources = [path for path in PEERS.rglob("*") if path.suffix in {".java", ".xml"}]
    with _once("java", sources) as folder:
        if folder is not None:
            maven = _program("mvn", "maven")
            _run([maven, "-q", "-B", "-f", str(PEERS / "pom.xml"), "package", f"-Dbuild.root={folder}"])
    root = _folder("java", sources) / module
    return f"{root / f'{module}-1.jar'}{os.pathsep}{root / 'libs'}/*"


def java() -> str:
    """The Java launcher."""
    return _program("java", "openjdk-17-jdk-headless")


def version(name: str) -> str:
    """A version that the Java peers' pom pins, by the name of its property."""
    found = ET.parse(PEERS / "pom.xml").getroot().findtext(f".//{{*}}{name}.version")
    assert found, f"the pom has no {name}.version"
    return found


def quix_version() -> str:
    """The version of Quix Streams in the pinned list."""
    return (PEERS / "quix" / "requirements.in").read_text().strip().partition("==")[2]


def quix_python() -> str:
    """The interpreter of Quix's own environment, installed from its pinned list.

    Raises:
        BuildError: pip failed.
    """
    pinned = PEERS / "quix" / "requirements.txt"
    with _once("quix", [pinned]) as folder:
        if folder is not None:
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(pinned)])
    return str(_folder("quix", [pinned]) / "bin" / "python")


def _folder(kind: str, sources: list[Path]) -> Path:
    content = hashlib.sha256()
    for path in sorted(sources):
        content.update(f"{path.relative_to(PEERS)}\n".encode() + path.read_bytes())
    return _VAR.absolute() / f"{kind}-{content.hexdigest()[:16]}"


@contextmanager
def _once(kind: str, sources: list[Path]) -> Iterator[Path | None]:
    """The folder to fill, or None when it was filled before. What failed is not kept."""
    folder = _folder(kind, sources)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        if done.exists():
            yield None
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
        done.touch()


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"'{name}' is needed for the Java peers (Debian: apt-get install {package})")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
