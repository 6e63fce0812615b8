"""Ids and digests: deterministic where a message comes from a message, random only at the edge."""

import uuid
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b


def new_id(prefix: str) -> str:
    """A fresh opaque id for something a person or a request created."""
    return f"{prefix}-{uuid.uuid4().hex}"


def derived_id(prefix: str, *parts: object) -> str:
    """The same id for the same parts: repeating a step cannot create a second thing."""
    joined = "\x1f".join(map(str, parts)).encode()
    return f"{prefix}-{blake2b(joined, digest_size=16).hexdigest()}"


def identity_hash(source: str, event_id: str) -> bytes:
    """16 bytes that stand for a producer's event: its source and id."""
    return identity_of(source.encode(), event_id.encode())


def identity_of(source: bytes, event_id: bytes) -> bytes:
    """The same from the bytes of the headers."""
    return blake2b(source + b"\x1f" + event_id, digest_size=16).digest()


def content_hash(event_type: str, value: bytes) -> bytes:
    """8 bytes that stand for what an event says: its type and data, byte for byte."""
    content = _begun_with(event_type).copy()
    content.update(value)
    return content.digest()


def identities_of(sources: Sequence[bytes], event_ids: Sequence[bytes]) -> list[bytes]:
    """`identity_of` for many events, most of them of the same few sources."""
    found = list[bytes]()
    last: bytes | None = None
    begun: Callable[[], blake2b] = blake2b
    for source, event_id in zip(sources, event_ids, strict=True):
        if source is not last:
            last, begun = source, blake2b(source + b"\x1f", digest_size=16).copy
        identity = begun()
        identity.update(event_id)
        found.append(identity.digest())
    return found


def content_hashes(event_type: str, values: Sequence[bytes]) -> list[bytes]:
    """`content_hash` for many events of one type."""
    found, begun = list[bytes](), _begun_with(event_type).copy
    for value in values:
        content = begun()
        content.update(value)
        found.append(content.digest())
    return found


@lru_cache(maxsize=256)
def _begun_with(event_type: str) -> blake2b:
    return blake2b(event_type.encode() + b"\x1f", digest_size=8)
