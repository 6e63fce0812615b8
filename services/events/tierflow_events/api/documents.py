"""What OpenAPI says about the ingest route: its three content types and its answers, with examples."""

from typing import Any, Final

_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "tx-2024-000001",
    "source": "/core-banking/ledger",
    "type": "bank.transaction.posted.v1",
    "time": "2024-03-01T09:15:00Z",
    "datacontenttype": "application/json",
    "data": {
        "transaction_id": "T-1",
        "customer_id": "C-1",
        "account_id": "A-1",
        "amount": {"value": "1200.50", "currency": "CZK"},
        "direction": "credit",
        "booking_date": "2024-03-01",
        "channel": "online",
        "purpose": "salary",
    },
}
_CLOUD_EVENT: Final = {
    "type": "object",
    "title": "CloudEvent",
    "required": ["specversion", "id", "source", "type", "time", "data"],
    "additionalProperties": False,
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": r"^[\x21-\x7e]{1,128}$", "description": "unique within its source"},
        "source": {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$", "description": "URI reference"},
        "type": {
            "type": "string",
            "pattern": "^[a-z0-9.-]{1,100}$",
            "description": "one of the types of GET /events/v1/schemas",
        },
        "time": {"type": "string", "format": "date-time", "description": "when it happened, with offset"},
        "datacontenttype": {"const": "application/json"},
        "subject": {"type": "string", "pattern": r"^[\x21-\x7e]{0,256}$"},
        "dataschema": {"type": "string", "pattern": r"^[\x21-\x7e]{0,256}$", "description": "URI"},
        "traceparent": {"type": "string", "pattern": "^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?$"},
        "tracestate": {"type": "string", "pattern": r"^[\x20-\x7e]{0,512}$"},
        "data": {"type": "object", "description": "see GET /events/v1/schemas/{type}"},
    },
}
_RESULT: Final = {
    "type": "object",
    "required": ["index", "id", "status"],
    "properties": {
        "index": {"type": "integer", "description": "place in the batch, from 0"},
        "id": {"type": "string"},
        "status": {"enum": ["accepted", "duplicate", "refused"]},
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "integer"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemDetail"}},
    },
}
_ACCEPTED: Final = {
    "type": "object",
    "required": ["accepted", "duplicates", "results"],
    "properties": {
        "accepted": {"type": "integer", "description": "new events that lie on the log now"},
        "duplicates": {"type": "integer", "description": "events that came before with the same content"},
        "results": {"type": "array", "items": _RESULT},
    },
}
_REFUSED: Final = {
    "allOf": [
        {"$ref": "#/components/schemas/ProblemDocument"},
        {**_ACCEPTED, "properties": {**_ACCEPTED["properties"], "refused": {"type": "integer"}}},  # type: ignore[dict-item]
    ]
}
_ACCEPTED_EXAMPLE: Final = {
    "accepted": 1,
    "duplicates": 0,
    "results": [
        {"index": 0, "id": "tx-2024-000001", "status": "accepted", "topic": "bank.events", "partition": 2, "offset": 17}
    ],
}


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _REFUSED}}}


INGEST_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _CLOUD_EVENT, "example": _EXAMPLE},
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "items": _CLOUD_EVENT},
                "example": [_EXAMPLE],
            },
            "application/json": {
                "schema": {"type": "object", "description": "the data alone; attributes as ce- headers"},
                "example": _EXAMPLE["data"],
            },
        },
    },
    "responses": {
        "202": {
            "description": "the log has all of them",
            "content": {"application/json": {"schema": _ACCEPTED, "example": _ACCEPTED_EXAMPLE}},
        },
        "409": _refusal("every refused event came before with other content; the rest was accepted"),
        "422": _refusal("some events were refused; the rest was accepted"),
        "503": _refusal("the log is down; nothing was accepted"),
    },
}
