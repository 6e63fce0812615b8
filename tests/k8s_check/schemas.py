"""Strict validation: each object against the schema of its kind, where an unknown field is an error."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft7Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.k8s_check.manifests import Build, Finding, Object, where_of
from tests.k8s_check.tools import Tools

KUBERNETES: Final = "1.34.0"
_LISTED: Final = 3


class Schemas:
    """The schemas of Kubernetes' own kinds and of the resources whose definitions are in a folder."""

    def __init__(self, tools: Tools) -> None:
        self._folder = tools.schemas / f"v{KUBERNETES}-local-strict"
        self._custom: dict[tuple[str, str], Any] = {}
        for file in tools.definitions.glob("*.json"):
            self._define(json.loads(file.read_text(encoding="utf-8")))
        self._validators: dict[tuple[str, str], Validator | None] = {}

    def _define(self, definition: Object) -> None:
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                name = f"{spec['group']}/{version['name']}"
                self._custom[name, spec["names"]["kind"]] = version["schema"]["openAPIV3Schema"]

    def _validator(self, version: str, kind: str) -> Validator | None:
        if (version, kind) not in self._validators:
            self._validators[version, kind] = self._made(version, kind)
        return self._validators[version, kind]

    def _made(self, version: str, kind: str) -> Validator | None:
        if (version, kind) in self._custom:
            return Draft7Validator(strict(self._custom[version, kind]))
        group, _, number = version.rpartition("/")
        words = [kind, *([group.split(".")[0]] if group else []), number]
        file = self._folder / f"{'-'.join(words).lower()}.json"
        if not file.is_file():
            return None
        registry: Registry[Any] = Registry(retrieve=lambda uri: _loaded(self._folder / Path(uri).name))  # type: ignore[call-arg]
        return Draft7Validator(json.loads(file.read_text(encoding="utf-8")), registry=registry)

    def findings(self, build: Build) -> Iterator[Finding]:
        """What is not as the schemas say; a kind without a schema is a finding too."""
        seen: set[tuple[str, str, str]] = set()
        for one in build.objects:
            key = (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
            if key in seen:
                yield Finding("schema", where_of(one), "is there twice")
            seen.add(key)
            validator = self._validator(one["apiVersion"], one["kind"])
            if validator is None:
                yield Finding("schema", where_of(one), f"no schema of {one['apiVersion']} {one['kind']} is known")
                continue
            for error in sorted(validator.iter_errors(one), key=lambda error: error.json_path)[:_LISTED]:
                yield Finding("schema", where_of(one), f"{error.json_path}: {error.message[:300]}")


@cache
def _loaded(file: Path) -> Resource[Any]:
    return Resource.from_contents(json.loads(file.read_text(encoding="utf-8")), DRAFT7)


def strict(schema: Any) -> Any:
    """The schema of a definition as the API server's strict validation reads it: fields it does not name are errors."""
    if not isinstance(schema, dict):
        return schema
    made = {
        name: value for name, value in schema.items() if name not in ("properties", "items", "additionalProperties")
    }
    if "properties" in schema:
        made["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in schema:
            made[name] = strict(schema[name])
    closed = "properties" in schema and "additionalProperties" not in schema
    if closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
