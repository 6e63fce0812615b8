"""Pod Security `restricted`, and what we ask beyond it."""

from collections.abc import Iterator
from typing import Final

from tests.k8s_check.manifests import Build, Finding, Object, Workload

_VOLUMES: Final = {
    "configMap",
    "emptyDir",
    "projected",
    "secret",
    "downwardAPI",
    "persistentVolumeClaim",
    "ephemeral",
    "csi",
}
_SECCOMP: Final = {"RuntimeDefault", "Localhost"}


def hardening(build: Build) -> Iterator[Finding]:
    """Every pod of the overlay, and the namespace that enforces it."""
    for one in build.of("Namespace"):
        if one["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield Finding("hardening", f"Namespace/{one['metadata']['name']}", "does not enforce restricted")
    if not build.of("Namespace"):
        yield Finding("hardening", "Namespace", "there is none that enforces restricted")
    for work in build.workloads():
        yield from (Finding("hardening", work.where, what) for what in _pod(work))
        for container in work.containers:
            told = _container(work, container)
            yield from (Finding("hardening", f"{work.where}/{container['name']}", what) for what in told)
    for one in build.of("ServiceAccount"):
        if one.get("automountServiceAccountToken") is not False:
            yield Finding("hardening", f"ServiceAccount/{one['metadata']['name']}", "mounts its token")


def _pod(work: Workload) -> Iterator[str]:
    pod = work.pod
    if pod.get("automountServiceAccountToken") is not False:
        yield "mounts a token of the API server"
    if pod.get("serviceAccountName", "default") == "default":
        yield "has no account of its own"
    if pod.get("enableServiceLinks") is not False:
        yield "is told of every Service by variables"
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"shares with its node: {name}"
    for volume in pod.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(kinds - _VOLUMES)}"
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {volume['name']} has no limit"


def _container(work: Workload, container: Object) -> Iterator[str]:
    pod, own = work.pod.get("securityContext", {}), container.get("securityContext", {})
    both = {**pod, **own}
    wanted = {
        "runs as root": both.get("runAsNonRoot") is True and both.get("runAsUser", 1) != 0,
        "may gain rights": own.get("allowPrivilegeEscalation") is False and not own.get("privileged"),
        "keeps capabilities": own.get("capabilities", {}) == {"drop": ["ALL"]},
        "has no seccomp profile": both.get("seccompProfile", {}).get("type") in _SECCOMP,
        "can write to its root": own.get("readOnlyRootFilesystem") is True,
    }
    yield from (what for what, is_so in wanted.items() if not is_so)
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield "requests no processor time or memory, or has no limit of memory"
    for port in container.get("ports", ()):
        if "hostPort" in port:
            yield "takes a port of its node"
