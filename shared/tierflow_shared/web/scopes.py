"""What a caller may do. A token carries these words, separated by spaces, in its `scope` claim."""

from collections.abc import Mapping
from typing import Final

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "events:write": "send events of the bank",
    "events:read": "see where an event is",
    "dead-letters:read": "list messages that a service could not take",
    "dead-letters:replay": "send such a message again",
    "tiers:read": "read tiers, scores and their history",
    "policies:read": "read tier policies",
    "policies:write": "write and simulate tier policies",
    "policies:approve": "activate a policy that somebody else wrote",
    "business-date:write": "close a business day",
    "contacts:read": "read contacts and plans",
    "contacts:write": "record outcomes of contacts",
    "plans:write": "make plans for relationship managers",
    "assessments:write": "answer a risk questionnaire",
    "assessments:read": "read risk assessments",
    "products:read": "read products",
    "products:write": "write products",
    "sales:read": "read sales and what they wait for",
    "sales:write": "request, document, confirm and cancel sales",
    "sales:approve": "approve a sale that somebody else requested",
    "decisions:read": "read and replay suitability decisions",
    "operations:read": "see positions, lags and queues",
    "operations:write": "steer the running services",
    "audit:read": "read who did what, with which outcome",
}
ALL_SCOPES: Final[frozenset[str]] = frozenset(DESCRIPTIONS)
