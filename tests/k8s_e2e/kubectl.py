"""kubectl as a few typed functions, always for one namespace."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

_CALL_LIMIT_S: Final = 120.0
_LOOK_AGAIN_S: Final = 0.5


class ClusterError(Exception):
    """The cluster did not do what it was asked for; the text is kubectl's own or says what was waited for."""


class Kubectl:
    """Calls of `kubectl` against the cluster that its configuration names."""

    def __init__(self, namespace: str, program: str | None = None) -> None:
        self.namespace = namespace
        self.program = program or os.environ.get("KUBECTL") or "kubectl"

    def run(self, *words: str, stdin: str | None = None, limit_s: float = _CALL_LIMIT_S, check: bool = True) -> str:
        """What a command prints.

        Raises:
            ClusterError: it failed or took too long.
        """
        command = [self.program, "--namespace", self.namespace, *words]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit_s, check=False)
        except (subprocess.TimeoutExpired, OSError) as error:
            raise ClusterError(f"kubectl {' '.join(words[:4])}: {error}") from error
        if done.returncode != 0 and check:
            raise ClusterError(f"kubectl {' '.join(words[:4])}: {done.stderr.strip()[-1500:]}")
        return done.stdout if done.returncode == 0 else done.stderr

    def refused(self, *words: str, stdin: str | None = None) -> str:
        """Why the cluster refuses a command; empty when it does not."""
        try:
            self.run(*words, stdin=stdin)
        except ClusterError as error:
            return str(error)
        return ""

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind that carry these labels."""
        words = ["get", kind, "--output", "json", *(["--selector", selector] if selector else [])]
        found: list[dict[str, Any]] = json.loads(self.run(*words))["items"]
        return found

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """One object."""
        found: dict[str, Any] = json.loads(self.run("get", kind, name, "--output", "json"))
        return found

    def kustomize(self, folder: Path) -> str:
        """The manifests of an overlay."""
        return self.run("kustomize", "--load-restrictor", "LoadRestrictionsNone", str(folder))

    def apply(self, manifests: str) -> None:
        """Creates or changes objects."""
        self.run("apply", "--server-side", "--filename", "-", stdin=manifests)

    def rolled_out(self, workload: str, limit_s: float) -> None:
        """Returns when every replica of `kind/name` is the newest and ready."""
        self.run("rollout", "status", workload, f"--timeout={limit_s:.0f}s", limit_s=limit_s + 10)

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Pods that are not on their way out."""
        return [pod for pod in self.objects("pods", selector) if "deletionTimestamp" not in pod["metadata"]]


def until(holds: Callable[[], bool], what: str, limit_s: float) -> float:
    """Waits until it holds; returns how long that took.

    Raises:
        ClusterError: it did not within the limit.
    """
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > limit_s:
            raise ClusterError(f"waited {limit_s:.0f} s in vain: {what}")
        time.sleep(_LOOK_AGAIN_S)
    return time.monotonic() - started


def is_ready(pod: dict[str, Any]) -> bool:
    """True for a pod whose readiness the cluster believes."""
    conditions: Sequence[dict[str, str]] = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def restarts(pod: dict[str, Any]) -> int:
    """How often the containers of a pod were started again."""
    return sum(int(one["restartCount"]) for one in pod["status"].get("containerStatuses", ()))
