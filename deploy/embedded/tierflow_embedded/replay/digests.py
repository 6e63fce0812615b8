"""Two numbers that stand for everything: equal knowledge, equal numbers."""

import hashlib
from dataclasses import dataclass
from datetime import date

from tierflow_shared.web.client import ApiClient


@dataclass(frozen=True, slots=True)
class Digests:
    """`digest` depends on the set of events alone; `decisions_digest` on their order too, never on batches."""

    digest: str
    contacts: str
    sales: str
    paths_differing: int = 0  # customers whose stored tier path is not what a fresh fold gives

    @property
    def decisions_digest(self) -> str:
        """Contacts and sale decisions in one number."""
        return hashlib.sha256(f"{self.contacts}\n{self.sales}".encode()).hexdigest()


def read_digests(client: ApiClient, as_of: date | None) -> Digests:
    """Asks scoring, the planner and suitability; `as_of` is the last booking day."""
    day = as_of.isoformat() if as_of else None
    scoring = client.get("/scoring/v1/digest", as_of=day)
    return Digests(
        digest=scoring["digest"],
        paths_differing=int(scoring["paths_differing"]),
        contacts=client.get("/contact-planner/v1/contacts-digest", as_of=day)["sha256"],
        sales=client.get("/suitability/v1/decisions-digest")["digest"],
    )
