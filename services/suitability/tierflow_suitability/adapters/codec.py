"""Documents as they are stored: JSON by msgspec, typed on the way back."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tierflow_shared.contracts.bank import ProductUpdated, RmUpdated
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.customers import BirthDate, Customer
from tierflow_suitability.domain.records import AuditEntry
from tierflow_suitability.domain.sales import Sale

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

encode: Final = msgspec.json.Encoder(order="deterministic").encode
decode_customer: Final = msgspec.json.Decoder(Customer).decode
decode_birth_date: Final = msgspec.json.Decoder(BirthDate).decode
decode_assessment: Final = msgspec.json.Decoder(Assessment).decode
decode_product: Final = msgspec.json.Decoder(ProductUpdated).decode
decode_staff: Final = msgspec.json.Decoder(RmUpdated).decode
decode_sale: Final = msgspec.json.Decoder(Sale).decode
decode_entry: Final = msgspec.json.Decoder(AuditEntry).decode


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
