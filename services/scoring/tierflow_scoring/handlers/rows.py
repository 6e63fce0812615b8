"""Between domain values and what is stored: standings in words, decisions as bytes."""

from collections.abc import Mapping
from typing import Final

import msgspec

from tierflow_scoring.domain.path import Segment
from tierflow_scoring.domain.policy import Scheme
from tierflow_scoring.domain.standing import ABSENT, Pending, Standing, pack
from tierflow_scoring.ports import PublishedRow, SegmentRow, StoredStanding
from tierflow_shared.contracts.outcomes import Reason


class Decision(msgspec.Struct, frozen=True):
    """The numbers behind a change point, as JSON in the database: other programs read them, too."""

    reasons: tuple[Reason, ...]
    features: Mapping[str, int]


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Decision).decode


def decode_decision(raw: bytes) -> Decision:
    """The numbers behind a stored change point."""
    return _decode(raw)


def stored_standing(segment: Segment) -> StoredStanding:
    """A standing in words: places in a policy may move, names do not."""
    tiers, pending = segment.version.tiers, segment.standing.pending
    return StoredStanding(
        segment.tier,
        segment.standing.provisional,
        tiers[pending.tier].name if pending else None,
        pending.since if pending else None,
        pending.due_on if pending else None,
        segment.version.version,
    )


def segment_row(customer_id: str, segment: Segment) -> SegmentRow:
    """A change point as stored."""
    return SegmentRow(
        customer_id,
        segment.scheme.name,
        segment.valid_from,
        stored_standing(segment),
        segment.standing.tier,
        segment.measure,
        _encode(Decision(segment.reasons, segment.features)),
    )


def published_row(customer_id: str, segment: Segment) -> PublishedRow:
    """What is told with a segment, as stored."""
    return PublishedRow(customer_id, segment.scheme.name, stored_standing(segment), segment.tier_since)


def packed(scheme: Scheme, stored: StoredStanding) -> int:
    """A stored standing without its version, packed; 0 if the policy does not know its tiers any more."""
    names = scheme.tier_names
    if stored.tier not in names or (stored.pending_tier is not None and stored.pending_tier not in names):
        return ABSENT
    pending = None
    if stored.pending_tier is not None and stored.pending_since is not None and stored.pending_due is not None:
        pending = Pending(names.index(stored.pending_tier), stored.pending_since, stored.pending_due)
    return pack(Standing(names.index(stored.tier), stored.provisional, pending, version=0))
