"""JSON Schema 2020-12 of every event's data, from the structs that decode it."""

from typing import Any, Final

import msgspec

from tierflow_shared.contracts.registry import EVENT_TYPES, EventType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def event_schema(event: EventType) -> dict[str, Any]:
    """The schema of one event type's data; its `$id` is the type's name."""
    (root,), components = msgspec.json.schema_components([event.data], ref_template="#/$defs/{name}")
    name = root["$ref"].rpartition("/")[2]
    body = components.pop(name)
    return {
        "$schema": DIALECT,
        "$id": f"urn:tierflow:schema:{event.name}",
        **body,
        "title": f"{event.title} · {event.title_zh}",
        "description": body.get("description", ""),
        "additionalProperties": False,
        "x-topic": event.topic,
        "x-key": event.key_field,
        "x-direction": event.direction,
        **({"$defs": dict(sorted(components.items()))} if components else {}),
    }


def event_schemas() -> dict[str, dict[str, Any]]:
    """Every registered type's schema by its name."""
    return {name: event_schema(event) for name, event in sorted(EVENT_TYPES.items())}
