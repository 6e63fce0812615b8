"""Variables, commands, files and Secrets: each that a manifest names exists, each that the code needs is given."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from unittest import mock

import typer
from pydantic import ValidationError
from sqlalchemy import make_url

from tests.k8s_check import code
from tests.k8s_check.manifests import (
    SECRET,
    Build,
    Finding,
    Object,
    Workload,
    argument,
    given,
    is_ours,
    references,
    where_of,
)
from tests.k8s_check.tools import ROOT
from tierflow_embedded.cli.main import app
from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.settings import ServiceSettings

CHECK = "environment"
_FILE_SETTINGS = (
    "kafka_ca_file",
    "kafka_cert_file",
    "kafka_key_file",
    "kafka_sasl_password_file",
    "rates_path",
    "kek_file",
)
_ANY_SERVICE = frozenset().union(*map(code.variables, code.SERVICES))


def environment(build: Build) -> Iterator[Finding]:
    """All of this module, for the containers that run `tierflow`."""
    for work in build.workloads():
        for container in work.containers:
            if is_ours(container):
                yield from _names(build, work, container)
                yield from _command(build, work, container)
    for service in code.SERVICES:
        found = build.deployment(service)
        if found is None:
            yield Finding(CHECK, f"Deployment/{service}", "is missing")
            continue
        for container in found.pod["containers"]:
            yield from _settings(build, found, container, service)


def service_of(container: Object) -> str | None:
    """The service that a container serves or migrates; None for a tool."""
    words: list[str] = container.get("args", [])
    if words and words[0] in code.SERVICES:
        return words[0]
    return argument(container, "--service")


def _names(build: Build, work: Workload, container: Object) -> Iterator[Finding]:
    service, used = service_of(container), references(container)
    configs = [source.get("configMapRef", {}).get("name", "") for source in container.get("envFrom", ())]
    shared = {name for config in configs for name in (build.get("ConfigMap", config) or {"data": ()})["data"]}
    own = code.variables(service) if service else _ANY_SERVICE | code.CLIENT_VARIABLES
    for name in sorted(shared - _ANY_SERVICE):
        yield Finding(CHECK, work.where, f"{name} is no setting")
    for name in used:
        if name not in own and not any(name in others for others in used.values()):
            yield Finding(CHECK, work.where, f"{name} is no setting of {service or 'a command'}")
    values = given(build, container)
    for name, others in used.items():
        for other in others:
            if f"$({other})" in values[name]:
                yield Finding(CHECK, work.where, f"{name} uses {other}, which does not stand before it")
    for name in sorted(set(used) & shared):
        yield Finding(CHECK, work.where, f"{name} is set twice")


def _command(build: Build, work: Workload, container: Object) -> Iterator[Finding]:
    """The words after `tierflow` name a command and its options."""
    command, words = _cli(), list(container.get("args", []))
    path = ["tierflow"]
    with mock.patch.dict(os.environ, _plain(given(build, container)), clear=True):
        try:
            while subcommands := getattr(command, "commands", None):
                path.append(words.pop(0))
                command = subcommands[path[-1]]
            command.make_context(" ".join(path), words)
        except Exception as error:
            yield Finding(CHECK, work.where, f"{' '.join(path)} {' '.join(words)}: {error!r}")


@cache
def _cli() -> Any:
    return typer.main.get_command(app)


def _plain(values: dict[str, str]) -> dict[str, str]:
    """The variables with something in the place of what only the cluster knows."""
    return {**values, "PATH": os.environ.get("PATH", "")}


def settings_of(build: Build, container: Object, service: str) -> ServiceSettings:
    """The settings as the container's process reads them.

    Raises:
        ValidationError: one is missing or out of its limits.
    """
    with mock.patch.dict(os.environ, _plain(given(build, container)), clear=True):
        return code.SETTINGS[service]()


def _settings(build: Build, work: Workload, container: Object, service: str) -> Iterator[Finding]:
    try:
        settings = settings_of(build, container, service)
    except ValidationError as error:
        for one in error.errors():
            yield Finding(CHECK, work.where, f"{'.'.join(map(str, one['loc']))}: {one['msg']}")
        return
    chosen = settings.model_fields_set
    for field in ("kafka_bootstrap", "database_url", "issuer", "jwks", "audience", "partitions", "base_currency",
                  "shutdown_timeout_s", "kafka_instance_id", "data_dir"):  # fmt: skip
        if field not in chosen:
            yield Finding(CHECK, work.where, f"{code.variable(field)} is not set")
    wrong = {
        "environment": settings.environment != "production",
        "migrate_at_start": settings.migrate_at_start,
        "host": settings.host in ("127.0.0.1", "localhost"),
        "database_url": not (settings.database_url or "").startswith("postgresql+psycopg://"),
        "port": settings.port != code.SETTINGS[service].model_fields["port"].default,
    }
    for field in (name for name, is_wrong in wrong.items() if is_wrong):
        yield Finding(CHECK, work.where, f"{code.variable(field)} is {getattr(settings, field)}")
    if isinstance(settings, PrivacySettings) and settings.kek is None and settings.kek_file is None:
        yield Finding(CHECK, work.where, "TIERFLOW_KEK_FILE is not set: production seals personal data")
    fields = {one["name"]: one.get("valueFrom", {}).get("fieldRef", {}) for one in container.get("env", ())}
    if fields.get("TIERFLOW_KAFKA_INSTANCE_ID", {}).get("fieldPath") != "metadata.name":
        yield Finding(CHECK, work.where, "TIERFLOW_KAFKA_INSTANCE_ID is not the pod's name")
    yield from _files(work, container, settings)
    if not _is_writable(work, container, str(settings.data_dir)):
        yield Finding(CHECK, work.where, f"TIERFLOW_DATA_DIR {settings.data_dir} lies where nothing can be written")


def _files(work: Workload, container: Object, settings: ServiceSettings) -> Iterator[Finding]:
    """Each file that a setting names is there, from a Secret or a ConfigMap."""
    files = {field: getattr(settings, field, None) for field in _FILE_SETTINGS}
    if settings.jwks and not settings.jwks.startswith("https://"):
        files["jwks"] = settings.jwks
    if settings.database_url:
        files["database_url"] = make_url(settings.database_url).query.get("sslrootcert")
    if isinstance(settings, PrivacySettings) and settings.keys_url:
        files["keys_url"] = make_url(settings.keys_url).query.get("sslrootcert")
    for field, file in files.items():
        if file and PurePosixPath(str(file)) not in _mounted_files(work, container):
            yield Finding(CHECK, work.where, f"{code.variable(field)} names {file}, which no volume brings")


def _mounted_files(work: Workload, container: Object) -> set[PurePosixPath]:
    found = set()
    for mount in container.get("volumeMounts", ()):
        volume = work.volume(mount["name"])
        sources = [volume, *volume.get("projected", {}).get("sources", ())]
        for source in sources:
            for kind in ("secret", "configMap"):
                for item in source.get(kind, {}).get("items", ()):
                    found.add(PurePosixPath(mount["mountPath"]) / item["path"])
    return found


def _is_writable(work: Workload, container: Object, path: str) -> bool:
    mounts = {mount["mountPath"]: work.volume(mount["name"]) for mount in container.get("volumeMounts", ())}
    return any(PurePosixPath(path).is_relative_to(at) and "emptyDir" in volume for at, volume in mounts.items())


def secrets(build: Build) -> Iterator[Finding]:
    """Each Secret and ConfigMap that a pod reads has the key, and somebody who makes it."""
    made = _made(build)
    used: set[str] = set()
    for work in build.workloads():
        for kind, name, key in _read(work):
            if kind == "ConfigMap":
                config = build.get("ConfigMap", name)
                if config is None or (key and key not in config["data"]):
                    yield Finding("secrets", work.where, f"there is no ConfigMap {name} {key}".rstrip())
                continue
            used.add(name)
            if key not in made.get(name, frozenset()):
                yield Finding("secrets", work.where, f"nobody makes key {key} of Secret {name}")
    elsewhere = _read_by_operators(build)
    for name, key in elsewhere:
        if key not in made.get(name, frozenset()):
            yield Finding("secrets", name, f"an operator reads key {key}, which nobody makes")
    for one in build.of("ExternalSecret"):
        target = one["spec"]["target"]["name"]
        if target not in used | {name for name, _ in elsewhere}:
            yield Finding("secrets", where_of(one), "is fetched, but nobody reads it")


def _read(work: Workload) -> Iterator[tuple[str, str, str]]:
    """Kind, name and key of what the pod reads; the key is empty where all of it is read."""
    for container in work.containers:
        for source in container.get("envFrom", ()):
            yield "ConfigMap", source["configMapRef"]["name"], ""
        for one in container.get("env", ()):
            found = one.get("valueFrom", {}).get("secretKeyRef")
            if found:
                yield "Secret", found["name"], found["key"]
    for volume in work.pod.get("volumes", ()):
        for source in [volume, *volume.get("projected", {}).get("sources", ())]:
            secret = source.get("secret", {})
            for item in secret.get("items", [{"key": "(all)"}] if secret else []):
                yield "Secret", secret.get("secretName") or secret["name"], item["key"]
            if "configMap" in source and not source["configMap"].get("optional"):
                yield "ConfigMap", source["configMap"]["name"], ""


def _made(build: Build) -> dict[str, frozenset[str]]:
    """Secrets by name with their keys, as operators or the overlay's script make them."""
    made: dict[str, frozenset[str]] = {}
    for one in build.of("ExternalSecret"):
        keys = {data["secretKey"] for data in one["spec"]["data"]}
        template = one["spec"]["target"].get("template", {}).get("data")
        for text in (template or {}).values():
            assert set(re.findall(r"\{\{ \.(\w+) \}\}", text)) <= keys, f"{where_of(one)} uses a key it does not fetch"
        made[one["spec"]["target"]["name"]] = frozenset(template or keys)
    for one in build.of("KafkaUser"):
        made[one["metadata"]["name"]] = frozenset({"ca.crt", "user.crt", "user.key", "user.p12", "user.password"})
    for one in build.of("Kafka"):
        made[f"{one['metadata']['name']}-cluster-ca-cert"] = frozenset({"ca.crt", "ca.p12", "ca.password"})
    for one in build.of("Cluster"):
        made[f"{one['metadata']['name']}-ca"] = frozenset({"ca.crt", "ca.key"})
    script = ROOT / "deploy" / "k8s" / "overlays" / build.name / "prepare.sh"
    if script.is_file():
        text = script.read_text(encoding="utf-8")
        loop = re.search(r"for name in (.+); do", text)
        assert loop, f"{script} makes no passwords"
        made |= dict.fromkeys(loop[1].split(), frozenset({"password"}))
        made |= {
            name: frozenset({key}) for name, key in re.findall(r"generic (tierflow-\S+) --from-file=([\w.]+)=", text)
        }
    return made


def _read_by_operators(build: Build) -> list[tuple[str, str]]:
    """Secrets that operators read on our behalf."""
    found: list[tuple[str, str]] = []
    for one in build.of("TriggerAuthentication"):
        found += [(ref["name"], ref["key"]) for ref in one["spec"].get("secretTargetRef", ())]
    for one in build.of("Cluster"):
        for role in one["spec"]["managed"]["roles"]:
            found += [(role["passwordSecret"]["name"], key) for key in ("username", "password")]
        keys = one["spec"]["backup"]["barmanObjectStore"]["s3Credentials"].values()
        found += [(ref["name"], ref["key"]) for ref in keys]
    return found


__all__ = ["SECRET", "environment", "secrets", "service_of", "settings_of"]
