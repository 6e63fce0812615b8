"""Ports, probes, times, releases and scales: what a service is in the cluster is what it is in the code."""

import re
import tomllib
from collections.abc import Iterator

from sqlalchemy import make_url

from tests.k8s_check import code
from tests.k8s_check.environment import service_of, settings_of
from tests.k8s_check.manifests import Build, Finding, Object, Workload, argument, is_ours, matches, stand_in, where_of
from tests.k8s_check.tools import ROOT
from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.web.health import CHECK_TIMEOUT_S

_STARTUP_S = 60
_KEYS = "events"
"""The service whose database holds the customers' keys."""
_KEYS_POOL = 2
"""Connections of a process to the customers' keys (`Vault.of`)."""
_OTHERS_CONNECTIONS = 20
"""Connections that operators, backups and people may need."""


def _served(build: Build) -> Iterator[tuple[str, Workload, Object]]:
    for service in code.SERVICES:
        work = build.deployment(service)
        for container in work.pod["containers"] if work else ():
            assert work is not None
            yield service, work, container


def ports(build: Build) -> Iterator[Finding]:
    """Each service listens, is found, is asked for its health and keeps a replica where the code says."""
    paths = code.public_paths()
    for service, work, container in _served(build):
        wanted = code.SERVICE_PORTS[service]
        named = {port.get("name"): port["containerPort"] for port in container.get("ports", ())}
        if named != {"http": wanted}:
            yield Finding("ports", work.where, f"ports are {named}, the code listens on {wanted}")
        yield from _found(build, work, service, wanted)
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            asked = container.get(probe, {}).get("httpGet", {})
            if (asked.get("path"), asked.get("port")) != (path, "http") or path not in paths:
                yield Finding("ports", work.where, f"{probe} asks {asked}, wanted is {path} on http")
        budget = build.get("PodDisruptionBudget", service)
        if budget is None or not matches(budget["spec"]["selector"], work.labels):
            yield Finding("ports", work.where, "has no PodDisruptionBudget")
    for one in build.of("PodMonitor"):
        for end in one["spec"]["podMetricsEndpoints"]:
            if end["path"] not in paths or end["port"] != "http":
                yield Finding("ports", where_of(one), f"{end['path']} on {end['port']} is no page of metrics")
    for one in build.objects:
        selector = one.get("spec", {}).get("selector") if one["kind"] in ("Deployment", "StatefulSet") else None
        if selector is not None and not matches(selector, one["spec"]["template"]["metadata"]["labels"]):
            yield Finding("ports", where_of(one), "does not select its own pods")
    yield from _gateways(build)


def _found(build: Build, work: Workload, service: str, wanted: int) -> Iterator[Finding]:
    found = build.get("Service", service)
    if found is None or not matches({"matchLabels": found["spec"]["selector"]}, work.labels):
        yield Finding("ports", work.where, "no Service of its name selects it")
        return
    offered = [(port["port"], port["targetPort"]) for port in found["spec"]["ports"]]
    if offered != [(wanted, "http")]:
        yield Finding("ports", where_of(found), f"offers {offered}, wanted is {wanted} to http")


def _gateways(build: Build) -> Iterator[Finding]:
    """The gateway sends each service's prefix to it, and nothing else."""
    routes: set[tuple[str, str, int]] = set()
    for one in build.of("ConfigMap"):
        for text in one["data"].values():
            routes.update(
                (prefix.strip("/").removesuffix("/v1"), host, int(port))
                for prefix, host, port in re.findall(r"location (\S+) \{\s*proxy_pass http://([\w-]+):(\d+);", text)
            )
    for one in build.of("HTTPRoute"):
        for rule in one["spec"]["rules"]:
            (match,), (backend,) = rule["matches"], rule["backendRefs"]
            prefix = match["path"]["value"].strip("/").removesuffix("/v1")
            routes.add((prefix, backend["name"], backend["port"]))
    wanted = {(service, service, port) for service, port in code.SERVICE_PORTS.items()}
    for prefix, host, port in routes ^ wanted:
        yield Finding("ports", "gateway", f"/{prefix}/ to {host}:{port} is missing or wrong")


def times(build: Build) -> Iterator[Finding]:
    """Graceful times add up: nobody is killed who still works within his limits."""
    for service, work, container in _served(build):
        settings = settings_of(build, container, service)
        grace = work.pod.get("terminationGracePeriodSeconds", 30)
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        needed = pause + len(code.DRAIN) * settings.shutdown_timeout_s
        needed += settings.otlp_timeout_s if settings.otlp_endpoint else 0
        if needed >= grace:
            yield Finding("times", work.where, f"needs up to {needed:.0f} s to end, is killed after {grace} s")
        if pause < 1:
            yield Finding("times", work.where, "ends before the gateway knows: no preStop pause")
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if container[probe].get("timeoutSeconds", 1) <= CHECK_TIMEOUT_S:
                yield Finding("times", work.where, f"{probe} gives up before the health check does")
        started = container["startupProbe"]
        if started["periodSeconds"] * started["failureThreshold"] < _STARTUP_S:
            yield Finding("times", work.where, f"is killed when its start takes {_STARTUP_S} s")
        for waiting in work.pod.get("initContainers", ()):
            patience = float(argument(waiting, "--patience") or 0)
            if patience >= work.object["spec"].get("progressDeadlineSeconds", 600):
                yield Finding("times", work.where, "waits for its schema longer than a roll-out may take")
    for work in build.workloads():
        if work.kind == "Job":
            patience = max(float(argument(one, "--patience") or 0) for one in work.containers)
            if patience >= work.object["spec"].get("activeDeadlineSeconds", 0):
                yield Finding("times", work.where, "is ended before its patience is")


def release(build: Build) -> Iterator[Finding]:
    """One release: image, migration Jobs and the project's version; each service waits for its Job."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for work in build.workloads():
        for container in work.containers:
            image = str(container["image"])
            tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
            if not tag or tag == "latest" or (is_ours(container) and tag != version):
                yield Finding("release", work.where, f"image {image} is not a release, or not this one ({version})")
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield Finding("release", work.where, "imagePullPolicy is not IfNotPresent")
    for service in code.SERVICES:
        name = f"migrate-{service}-{version.replace('.', '-')}"
        job = next((one for one in build.workloads() if one.kind == "Job" and one.name == name), None)
        if job is None or [service_of(one) for one in job.containers] != [service]:
            yield Finding("release", f"Job/{name}", "is missing, or migrates another service")
        elif any(one.get("envFrom") for one in job.containers):
            yield Finding("release", job.where, "depends on a ConfigMap, but a Job cannot be changed")
        waiting = build.deployment(service)
        arguments = [one.get("args", []) for one in waiting.pod.get("initContainers", ())] if waiting else []
        if not any(words[0] == "migrate" and "--check" in words and service in words for words in arguments):
            yield Finding("release", f"Deployment/{service}", "does not wait for its schema")


def scales(build: Build) -> Iterator[Finding]:
    """No more replicas than partitions, the right group and topic, and connections for all of them."""
    streams, needed = code.streams(), _OTHERS_CONNECTIONS
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one for one in build.of("ScaledObject")}
    for service, work, container in _served(build):
        settings = settings_of(build, container, service)
        one = scaled.pop(service, None)
        most = one["spec"]["maxReplicaCount"] if one else work.object["spec"].get("replicas", 1)
        if one and "replicas" in work.object["spec"]:
            yield Finding("scales", work.where, "says how many replicas, and so does its ScaledObject")
        if most > settings.partitions:
            yield Finding("scales", work.where, f"up to {most} replicas for {settings.partitions} partitions")
        keys = _KEYS_POOL if isinstance(settings, PrivacySettings) and settings.keys_url else 0
        needed += (most + 1) * (settings.database_pool_size + keys)
        for trigger in one["spec"]["triggers"] if one else ():
            if trigger["type"] != "kafka":
                continue
            said, wanted = trigger["metadata"], streams[service]
            right = (
                said["consumerGroup"] == settings.kafka_prefix + wanted.group,
                said["topic"].removeprefix(settings.kafka_prefix) in wanted.reads,
                said["bootstrapServers"] == settings.kafka_bootstrap,
                said.get("allowIdleConsumers") == "false",
            )
            if not all(right):
                yield Finding("scales", where_of(one or {}), f"the trigger is not of the service's group: {said}")
    for name in scaled:
        yield Finding("scales", f"ScaledObject/{name}", "scales nothing")
    offered = _connections(build)
    if offered < needed:
        yield Finding("scales", "database", f"{offered} connections, up to {needed} are needed")


def _connections(build: Build) -> int:
    for one in build.of("Cluster"):
        return int(one["spec"]["postgresql"]["parameters"]["max_connections"])
    for work in build.workloads():
        for container in work.containers:
            found = re.search(r"max_connections=(\d+)", " ".join(container.get("args", ())))
            if found:
                return int(found[1])
    return 0


def databases(build: Build) -> Iterator[Finding]:
    """Each service's own database and role, ordered by code points."""
    for service, work, container in _served(build):
        settings = settings_of(build, container, service)
        url = make_url(settings.database_url_for(service))
        name, role = url.database or "", url.username or ""
        if url.password != stand_in(f"database-{service}", "password"):
            yield Finding("databases", work.where, f"shows {role} another password")
        if isinstance(settings, PrivacySettings) and service != _KEYS:
            keys, known = make_url(settings.keys_database_url), stand_in(f"database-{_KEYS}", "password")
            if (keys.database, keys.username, keys.password) != (f"tierflow_{_KEYS}", f"tierflow_{_KEYS}", known):
                yield Finding("databases", work.where, "does not reach the customers' keys: TIERFLOW_KEYS_URL")
        if build.of("Cluster"):
            yield from _in_cluster(build, service, name, role)
        elif not any(re.search(rf"\b{name}\b", text) for one in build.of("ConfigMap") for text in one["data"].values()
                     if "CREATE DATABASE" in text) or name != role:  # fmt: skip
            yield Finding("databases", work.where, f"nobody creates {name} for {role}")


def _in_cluster(build: Build, service: str, name: str, role: str) -> Iterator[Finding]:
    (cluster,) = build.of("Cluster")
    made = next((one["spec"] for one in build.of("Database") if one["spec"]["name"] == name), None)
    if made is None or made["owner"] != role or made["cluster"]["name"] != cluster["metadata"]["name"]:
        yield Finding("databases", f"Database/{service}", f"{name} of {role} is missing")
    elif (made["encoding"], made["localeCollate"], made["localeCType"]) != ("UTF8", "C", "C"):
        yield Finding("databases", f"Database/{service}", "is not UTF8 ordered by code points")
    roles = {one["name"]: one["passwordSecret"]["name"] for one in cluster["spec"]["managed"]["roles"]}
    if roles.get(role) != f"database-{service}":
        yield Finding("databases", where_of(cluster), f"has no role {role} with the service's password")
    if f"hostssl {name} {role} all scram-sha-256" not in cluster["spec"]["postgresql"]["pg_hba"]:
        yield Finding("databases", where_of(cluster), f"pg_hba does not let {role} into {name}")
    template = build.get("ExternalSecret", f"database-{service}") or {}
    username = template.get("spec", {}).get("target", {}).get("template", {}).get("data", {}).get("username")
    if username != role:
        yield Finding("databases", f"ExternalSecret/database-{service}", f"its user is {username}, not {role}")
