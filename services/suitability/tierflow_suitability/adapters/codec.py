"""Documents as they are stored: JSON by msgspec, typed on the way back."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.customers import Customer, Version
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.domain.sales import Sale

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class StoredBirth(msgspec.Struct, frozen=True, omit_defaults=True):
    """A birth date as it is stored. `day` stands in rows of versions that did not seal, and is None in others."""

    version: Version
    day: date | None = None
    sealed: str | None = None


encode: Final = msgspec.json.Encoder(order="deterministic").encode
decode_customer: Final = msgspec.json.Decoder(Customer).decode
decode_stored_birth: Final = msgspec.json.Decoder(StoredBirth).decode
decode_assessment: Final = msgspec.json.Decoder(Assessment).decode
decode_product: Final = msgspec.json.Decoder(ProductUpdated).decode
decode_staff: Final = msgspec.json.Decoder(RmUpdated).decode
decode_sale: Final = msgspec.json.Decoder(Sale).decode
decode_entry: Final = msgspec.json.Decoder(AuditEntry).decode


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
