"""The hash chain of the audit log: each entry's hash covers its content and the hash before it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as stored."""

    seq: int
    prev_hash: str
    hash: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Whether the chain is whole; `broken_at` is the first entry that does not fit."""

    intact: bool
    entries: int
    head: str
    broken_at: int | None = None
    reason: str | None = None


def link_hash(prev_hash: str, seq: int, content: bytes) -> str:
    """SHA-256 over the previous hash, the position and the content."""
    return hashlib.sha256(f"{prev_hash}:{seq}:".encode() + content).hexdigest()


def verify(links: Iterable[Link], expected_seq: int, expected_head: str) -> ChainReport:
    """Walks the chain from its start; entries that were changed, added, removed or cut off at the end show."""
    seq, head = 0, GENESIS
    for link in links:
        if link.seq != seq + 1:
            return ChainReport(False, seq, head, seq + 1, "an entry is missing")
        if link.prev_hash != head or link.hash != link_hash(head, link.seq, link.content):
            return ChainReport(False, seq, head, link.seq, "an entry was changed")
        seq, head = link.seq, link.hash
    if (seq, head) != (expected_seq, expected_head):
        return ChainReport(False, seq, head, seq + 1, "the end of the log is missing")
    return ChainReport(True, seq, head)
