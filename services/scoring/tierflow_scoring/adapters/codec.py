"""Facts and statistics as bytes: JSON, because people and other programs read these columns, too."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tierflow_scoring.domain.facts import Facts

_encode: Final = msgspec.json.Encoder().encode
_facts: Final = msgspec.json.Decoder(Facts)
_percentiles: Final = msgspec.json.Decoder(dict[str, list[int]])


def encode_facts(facts: Facts) -> bytes:
    """Facts as JSON."""
    return _encode(facts)


def decode_facts(raw: bytes) -> Facts:
    """Facts from JSON that `encode_facts` wrote."""
    return _facts.decode(raw)


def encode_percentiles(percentiles: Mapping[str, Sequence[int]]) -> bytes:
    """Percentiles by feature as JSON."""
    return _encode(percentiles)


def decode_percentiles(raw: bytes) -> dict[str, list[int]]:
    """Percentiles by feature from JSON."""
    return _percentiles.decode(raw)
