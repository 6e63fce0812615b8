"""Parts of a build, to be broken on purpose."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.k8s_check.all_checks import Check
from tests.k8s_check.manifests import Build, Object

Overlay = Callable[[str], Build]


def got(build: Build, kind: str, name: str) -> Object:
    found = build.get(kind, name)
    assert found is not None, f"no {kind} {name}"
    return found


def pod(build: Build, name: str, kind: str = "Deployment") -> Any:
    work = next(one for one in build.workloads() if (one.kind, one.name) == (kind, name))
    return work.pod


def service(build: Build, name: str = "scoring") -> Any:
    return pod(build, name)["containers"][0]


def variable(build: Build, name: str, container: Any = None) -> Any:
    return next(one for one in (container or service(build))["env"] if one["name"] == name)


def config(build: Build) -> Any:
    return next(one["data"] for one in build.of("ConfigMap") if one["metadata"]["name"].startswith("tierflow-"))


def policy(build: Build, name: str) -> Any:
    return got(build, "NetworkPolicy", name)["spec"]


def drop(build: Build, kind: str, name: str) -> None:
    build.objects.remove(got(build, kind, name))


def acls(build: Build, user: str) -> Any:
    return got(build, "KafkaUser", user)["spec"]["authorization"]["acls"]


class Control(NamedTuple):
    """What is broken, where, and what must be said about it."""

    check: Check
    overlay: str
    spoil: Callable[[Build], Any]
    said: str


def reordered(build: Build) -> None:
    service(build)["env"].sort(key=lambda one: one["name"] == "DATABASE_PASSWORD")
