"""The access report: what all four services hold about one customer."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tierflow_shared.web.client import ApiClient, ApiError

_NOTHING: Final = 404


def access_document(client: ApiClient, customer_id: str) -> dict[str, Any]:
    """One document; a service that holds nothing about the customer says null."""
    return {
        "customer_id": customer_id,
        "events": _events(client, customer_id),
        "scoring": _asked(client, f"/scoring/v1/customers/{customer_id}"),
        "contact-planner": _contacts(client, customer_id),
        "suitability": {
            "person": client.get(f"/suitability/v1/customers/{customer_id}/personal-data"),
            "assessments": _asked(client, f"/suitability/v1/customers/{customer_id}/assessments"),
            "sales": _sales(client, customer_id),
        },
        "dead_letters": list(client.pages("/events/v1/dead-letters", customer=customer_id)),
    }


def _asked(client: ApiClient, path: str, **query: str | int | None) -> Any:
    try:
        return client.get(path, **query)
    except ApiError as error:
        if error.status == _NOTHING:
            return None
        raise


def _events(client: ApiClient, customer_id: str) -> dict[str, Any]:
    path, found = f"/events/v1/customers/{customer_id}/personal-data", list[Any]()
    page = client.get(path)
    first = page
    while True:
        found += page["events"]
        if page["next"] is None:
            return {**first, "events": found, "next": None}
        page = client.get(path, from_offset=page["next"])


def _contacts(client: ApiClient, customer_id: str) -> Any:
    path = f"/contact-planner/v1/customers/{customer_id}/contacts"
    page = _asked(client, path, limit=200)
    if page is None:
        return None
    items, following = list(page["items"]), page["next"]
    while following is not None:
        more = client.get(path, limit=200, cursor=following)
        items, following = items + more["items"], more["next"]
    for contact in items:
        if contact["result"] and contact["result"]["noted"]:
            contact["note"] = client.get(f"/contact-planner/v1/contacts/{contact['contact_id']}/note")
    return {**page, "items": items, "next": None}


def _sales(client: ApiClient, customer_id: str) -> list[Any]:
    listed = client.pages("/suitability/v1/sales", customer=customer_id)
    return [client.get(f"/suitability/v1/sales/{sale['sale_id']}") for sale in listed]


def as_markdown(document: Mapping[str, Any]) -> str:
    """The same for a person to read: a heading for each service, a line for each value."""
    lines = [f"# What we hold about {document['customer_id']}", ""]
    for name, part in document.items():
        if name != "customer_id":
            lines += [f"## {name}", "", *(_lines(part, 0) if part else ["nothing"]), ""]
    return "\n".join(lines)


def _lines(part: Any, depth: int) -> Iterator[str]:
    pairs = part.items() if isinstance(part, dict) else enumerate(part, start=1)
    for name, value in pairs:
        if isinstance(value, dict | list):
            if value:
                yield f"{'  ' * depth}- {name}:"
                yield from _lines(value, depth + 1)
        elif value is not None:
            yield f"{'  ' * depth}- {name}: {value}"
