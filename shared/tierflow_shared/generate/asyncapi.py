"""AsyncAPI 3.0: which messages travel on which topic, and who sends them."""

from importlib.metadata import version
from typing import Any

from tierflow_shared.contracts.registry import EVENT_TYPES, TOPICS, EventType
from tierflow_shared.generate.schemas import event_schema

_TEXT = {"type": "string"}
_ATTRIBUTES: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes, binary mode",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _TEXT,
        "ce_source": _TEXT,
        "ce_type": _TEXT,
        "ce_time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
    },
}
_PURPOSE = {
    "bank.events": "Everything the bank says about customers, in order for each customer",
    "bank.reference": "Products and relationship managers",
    "tierflow.tiers": "Tier changes and pending downgrades",
    "tierflow.contacts": "Planned and recorded contacts, in order for each relationship manager",
    "tierflow.sales": "Decisions, confirmations and rejections of sales",
    "tierflow.dead-letters": "What a service could not take",
    "tierflow.erasures": "Who was erased; kept for ever, so that a restored database learns of it",
}


def asyncapi_document() -> dict[str, Any]:
    """The whole document; the same for the same code."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tierflow events",
            "version": version("tierflow"),
            "description": "CloudEvents on a partitioned log. Schemas may only grow; what breaks is a new version.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic) for topic in TOPICS},
        "operations": {name: _operation(event) for name, event in sorted(EVENT_TYPES.items())},
        "components": {"messages": {name: _message(event) for name, event in sorted(EVENT_TYPES.items())}},
    }


def _channel(topic: str) -> dict[str, Any]:
    names = sorted(name for name, event in EVENT_TYPES.items() if event.topic == topic)
    return {
        "address": topic,
        "description": _PURPOSE[topic],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
    }


def _operation(event: EventType) -> dict[str, Any]:
    inbound = event.direction == "in"
    bindings: dict[str, Any] = {"kafka": {"bindingVersion": "0.5.0"}}
    if inbound:  # the bank may also send it to POST /events/v1/events, in each of CloudEvents' HTTP modes
        bindings["http"] = {"method": "POST", "bindingVersion": "0.3.0"}
    return {
        "action": "receive" if inbound else "send",
        "title": event.title,
        "summary": f"{'The bank' if inbound else 'Tierflow'} says: {event.title.lower()}",
        "channel": {"$ref": f"#/channels/{event.topic}"},
        "messages": [{"$ref": f"#/channels/{event.topic}/messages/{event.name}"}],
        "bindings": bindings,
    }


def _message(event: EventType) -> dict[str, Any]:
    return {
        "name": event.name,
        "title": f"{event.title} · {event.title_zh}",
        "contentType": "application/json",
        "headers": _ATTRIBUTES,
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": event_schema(event)},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": f"data.{event.key_field}"}, "bindingVersion": "0.5.0"}
        },
    }
