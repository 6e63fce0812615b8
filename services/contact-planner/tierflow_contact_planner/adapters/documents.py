"""Domain dataclasses as JSON documents, and lists of ids in portions that a database takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.facts import CustomerFacts
from tierflow_contact_planner.domain.ownership import Manager
from tierflow_contact_planner.ports import Product, StoredPlan

IDS_PER_STATEMENT: Final = 5_000

encode: Final = msgspec.json.Encoder().encode
decode_facts: Final = msgspec.json.Decoder(CustomerFacts).decode
decode_manager: Final = msgspec.json.Decoder(Manager).decode
decode_product: Final = msgspec.json.Decoder(Product).decode
decode_contact: Final = msgspec.json.Decoder(Contact).decode
decode_plan: Final = msgspec.json.Decoder(StoredPlan).decode


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Distinct ids in order, cut into lists of limited length (equal order avoids deadlocks between writers)."""
    ordered = iter(sorted(set(ids)))
    while portion := list(islice(ordered, IDS_PER_STATEMENT)):
        yield portion
