"""Which of the events that arrived together are new, which were here before, and which contradict themselves."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple


class Place(NamedTuple):
    """Where a message lies on the log."""

    topic: str
    partition: int
    offset: int


class Candidate(NamedTuple):
    """An event that is right in itself, ready for the log. The hashes stand for who it is and for what it says."""

    id: str
    source: str
    type: str
    id_hash: bytes
    content_hash: bytes
    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Known(NamedTuple):
    """An event that was accepted before: what it said and where it lies."""

    content_hash: bytes
    place: Place


class Placement(NamedTuple):
    """What became of a candidate. The place is its own, or that of the event which came first."""

    status: Literal["accepted", "duplicate", "conflict"]
    place: Place


class Plan(NamedTuple):
    """`fresh` go on the log, in this order. `sources` says for each candidate where its place comes from."""

    fresh: Sequence[Candidate]
    sources: Sequence[tuple[Literal["accepted", "duplicate", "conflict"], int | Place]]


def plan(candidates: Sequence[Candidate], known: Mapping[bytes, Known]) -> Plan:
    """Sorts candidates out. The first with an id counts; later ones are duplicates or conflicts of it."""
    fresh: list[Candidate] = []
    first: dict[bytes, int] = {}
    sources: list[tuple[Literal["accepted", "duplicate", "conflict"], int | Place]] = []
    for candidate in candidates:
        before = known.get(candidate.id_hash)
        if before is not None:
            same = before.content_hash == candidate.content_hash
            sources.append(("duplicate" if same else "conflict", before.place))
            continue
        index = first.setdefault(candidate.id_hash, len(fresh))
        if index == len(fresh):
            fresh.append(candidate)
            sources.append(("accepted", index))
        else:
            same = fresh[index].content_hash == candidate.content_hash
            sources.append(("duplicate" if same else "conflict", index))
    return Plan(fresh, sources)


def placements(made: Plan, places: Sequence[Place]) -> list[Placement]:
    """What became of each candidate, now that the fresh ones lie at `places`."""
    assert len(places) == len(made.fresh), "one position for each fresh event"
    return [Placement(status, places[source] if isinstance(source, int) else source) for status, source in made.sources]
