"""No field for free text without a word on whether it is personal, and no such field that the inventory forgets."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tierflow_embedded.generate_files import documents
from tierflow_shared.contracts.personal import DATA_CLASSES, SEALABLE, fields_of, personal_paths
from tierflow_shared.contracts.primitives import ID_PATTERN
from tierflow_shared.contracts.registry import EVENT_TYPES

ROOT: Final = Path(__file__).parents[3]
INVENTORY: Final = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
SERVICES: Final = ("events", "scoring", "contact-planner", "suitability")
# A pattern that lets a sentence in is none: these are words that a person could write, spaces included.
_SENTENCE: Final = "Jan Novák, 12"


def _is_free(schema: dict[str, Any]) -> bool:
    """Whether a string schema takes a sentence."""
    if schema.get("type") != "string" or {"enum", "const", "format"} & schema.keys():
        return False
    pattern = schema.get("pattern")
    return pattern is None or re.search(pattern.replace("$(?!\\n)", "\\Z"), _SENTENCE) is not None


def _open_strings(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every string schema inside, with its path."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _open_strings(inner, path)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "string":
        yield path, schema
    for key, inner in schema.items():
        if key == "properties":
            for name, one in inner.items():
                yield from _open_strings(one, f"{path}.{name}".lstrip("."))
        elif key not in ("examples", "example", "default", "enum", "const"):
            yield from _open_strings(inner, path)


def unclassified(schema: Any) -> list[str]:
    """Paths of free texts without a class."""
    return sorted(
        {
            path
            for path, one in _open_strings(schema)
            if _is_free(one) and one.get("x-tierflow-data") not in DATA_CLASSES
        }
    )


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_free_text_of_an_event_has_a_class(name: str) -> None:
    schema = json.loads((ROOT / "docs" / "events" / f"{name}.json").read_text())
    assert unclassified(schema) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_free_text_of_a_body_has_a_class(service: str) -> None:
    """Bodies as the generated OpenAPI has them; names of event data belong to the events."""
    document = documents()[f"docs/openapi/{service}.json"]
    found = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                found |= {f"{path}: {one}" for one in unclassified(_resolved(content["schema"], document))}
    assert sorted(found) == []


def _resolved(schema: Any, document: dict[str, Any], seen: tuple[str, ...] = ()) -> Any:
    if isinstance(schema, list):
        return [_resolved(one, document, seen) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        return _resolved(document["components"]["schemas"][name], document, (*seen, name))
    return {key: _resolved(one, document, seen) for key, one in schema.items()}


def test_a_free_text_without_a_class_is_found() -> None:
    """The control."""
    text = {"type": "string", "maxLength": 200}
    assert unclassified({"type": "object", "properties": {"remark": text}}) == ["remark"]
    assert unclassified({"properties": {"a": {"anyOf": [text, {"type": "null"}]}}}) == ["a"]
    assert unclassified({"properties": {"a": {**text, "x-tierflow-data": "personal"}}}) == []
    assert unclassified({"properties": {"a": {"type": "string", "pattern": ID_PATTERN}}}) == []


@pytest.mark.parametrize("data", sorted(SEALABLE, key=lambda one: one.__name__))
def test_every_personal_field_is_in_the_inventory(data: Any) -> None:
    (name,) = [event.name for event in EVENT_TYPES.values() if event.data is data]
    missing = [path for path in sorted(personal_paths(data)) if f"`{name}` · `{path}`" not in INVENTORY]
    assert missing == []


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_birth_date_by_whatever_name_is_personal(name: str) -> None:
    for path, _, group in fields_of(EVENT_TYPES[name].data):
        assert group == "personal" or not re.search(r"birth|phone|email|address|note|remark", path), path
