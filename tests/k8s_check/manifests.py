"""What an overlay builds, and what its pods get to see."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

Object = dict[str, Any]
_REFERENCE: Final = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
SECRET: Final = "0secret0"
"""Stands for a value of the pod's own."""


class Finding(NamedTuple):
    """Something that must not be so: which check says it, of which object, and what."""

    check: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that makes pods."""

    kind: str
    name: str
    object: Object
    template: Object

    @property
    def labels(self) -> Mapping[str, str]:
        found: dict[str, str] = self.template["metadata"].get("labels", {})
        return found

    @property
    def pod(self) -> Object:
        found: Object = self.template["spec"]
        return found

    @property
    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", ()), *self.pod["containers"]]

    @property
    def where(self) -> str:
        return f"{self.kind}/{self.name}"

    def volume(self, name: str) -> Object:
        """The volume of that name; {} if there is none."""
        claims = self.object["spec"].get("volumeClaimTemplates", ())
        found = [one for one in self.pod.get("volumes", ()) if one["name"] == name]
        found += [{"name": name, "claim": {}} for one in claims if one["metadata"]["name"] == name]
        return found[0] if found else {}


@dataclass(frozen=True, slots=True)
class Build:
    """The objects of one overlay."""

    name: str
    objects: list[Object]

    def of(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [one for one in self.objects if one["kind"] == kind]

    def get(self, kind: str, name: str) -> Object | None:
        """One object."""
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)

    def workloads(self) -> Iterator[Workload]:
        """Everything that makes pods."""
        for one in self.objects:
            kind, name, spec = one["kind"], one["metadata"]["name"], one.get("spec", {})
            if kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
                yield Workload(kind, name, one, spec["template"])
            elif kind == "CronJob":
                yield Workload(kind, name, one, spec["jobTemplate"]["spec"]["template"])

    def deployment(self, name: str) -> Workload | None:
        """One Deployment."""
        return next((one for one in self.workloads() if one.kind == "Deployment" and one.name == name), None)


def is_ours(container: Object) -> bool:
    """True for a container that runs `tierflow`."""
    name = str(container["image"]).partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name == "tierflow"


def where_of(one: Object) -> str:
    """Kind and name."""
    return f"{one['kind']}/{one['metadata']['name']}"


def given(build: Build, container: Object) -> dict[str, str]:
    """The variables by name, as Kubernetes gives them; what comes from a Secret is its `stand_in`.

    A reference to a variable that comes later in the list stays as it is written, as Kubernetes leaves it.
    """
    seen: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        config = build.get("ConfigMap", source.get("configMapRef", {}).get("name", ""))
        seen.update(config["data"] if config else {})
    known: dict[str, str] = {}
    for one in container.get("env", ()):
        value = one.get("value", "") if "valueFrom" not in one else _stand_in(one["valueFrom"])
        known[one["name"]] = _REFERENCE.sub(lambda found: known.get(found[1], found[0]), value)
    return {**seen, **known}


def _stand_in(source: Object) -> str:
    secret = source.get("secretKeyRef")
    return stand_in(secret["name"], secret["key"]) if secret else SECRET


def stand_in(name: str, key: str) -> str:
    """What `given` puts in the place of a Secret's value."""
    return f"{name}.{key}"


def references(container: Object) -> dict[str, list[str]]:
    """By variable, the others that its value names."""
    return {one["name"]: _REFERENCE.findall(one.get("value", "")) for one in container.get("env", ())}


def argument(container: Object, option: str) -> str | None:
    """The value of a command line option."""
    arguments: list[str] = container.get("args", [])
    return next((value for name, value in pairwise(arguments) if name == option), None)


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """True when a selector takes an object with these labels; an empty selector takes all."""
    assert not (selector or {}).get("matchExpressions"), "the check reads matchLabels only"
    return all(labels.get(name) == value for name, value in (selector or {}).get("matchLabels", {}).items())
