"""One number for all due contacts of a day: equal states give equal digests, whatever way led there."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tierflow_contact_planner.domain.due import DueContact


@dataclass(frozen=True, slots=True)
class ContactsDigest:
    """SHA-256 over the due contacts in canonical order, and how many reasons of each kind they have."""

    sha256: str
    contacts: int
    blocked: int
    reasons: Mapping[str, int]


def digest_of(contacts: Iterable[tuple[str, DueContact]]) -> ContactsDigest:
    """From (manager, due contact) pairs. No times of processing, offsets or random ids go in."""
    ordered = sorted(contacts, key=lambda pair: pair[1].customer_id)
    digest, kinds = hashlib.sha256(), Counter[str]()
    for rm_id, due in ordered:
        kinds.update(reason.kind for reason in due.reasons)
        digest.update(_line(rm_id, due).encode())
    blocked = sum(due.is_blocked for _, due in ordered)
    return ContactsDigest(digest.hexdigest(), len(ordered), blocked, dict(sorted(kinds.items())))


def _line(rm_id: str, due: DueContact) -> str:
    reasons = sorted(f"{reason.kind}|{reason.cause}|{reason.due_on.isoformat()}" for reason in due.reasons)
    channel = due.channel or "blocked-by-consent"
    return "\x1f".join([due.customer_id, rm_id, due.due_on.isoformat(), due.purpose, channel, *reasons]) + "\n"
