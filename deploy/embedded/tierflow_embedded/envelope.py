"""CloudEvents as a bank's systems would send them: the structured JSON form, built from typed data."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import BANK_REFERENCE, TYPE_OF_DATA

BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json"
_encode: Final = msgspec.json.Encoder().encode


class Envelope(NamedTuple):
    """One event on its way to Tierflow: who says it, when it happened, and what it says."""

    id: str
    source: str
    time: datetime
    data: Data

    @property
    def type(self) -> str:
        return TYPE_OF_DATA[type(self.data)].name

    @property
    def is_reference(self) -> bool:
        """Products and relationship managers: they must be known before anything refers to them."""
        return TYPE_OF_DATA[type(self.data)].topic == BANK_REFERENCE

    def json(self) -> bytes:
        """The event in structured mode, the same bytes for the same event."""
        return _encode(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": self.source,
                "type": self.type,
                "time": self.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "datacontenttype": "application/json",
                "data": self.data,
            }
        )


def batch_body(encoded: Sequence[bytes]) -> bytes:
    """Events that are already JSON, joined to the body of one batched request."""
    return b"[" + b",".join(encoded) + b"]"
