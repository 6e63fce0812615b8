"""The one place that touches personal data: birth dates, in a table of their own, sealed under the customer's key."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Protocol

from sqlalchemy import BindParameter, Select, Table, literal, select

from tierflow_shared.privacy.vault import ErasedError
from tierflow_suitability.adapters.codec import StoredBirth, decode_stored_birth, encode
from tierflow_suitability.domain.customers import BirthDate

FIELD: Final = "suitability/birth-date"


class PersonVault(Protocol):
    """Seals and opens under customers' keys."""

    def seal_text(self, customer_id: str, field: str, text: str) -> str: ...
    def open_texts(self, field: str, texts: list[tuple[str, str]]) -> list[str | None]: ...


def birth_dates_of(table: Table, ids: BindParameter[Any], label: int) -> Select[tuple[int, str, bytes]]:
    """Rows `(label, customer id, content)` with the known birth dates of the customers in the parameter."""
    return select(literal(label), table.c.customer_id, table.c.birth_date).where(table.c.customer_id.in_(ids))


def opened_birth_dates(rows: Mapping[str, bytes], vault: PersonVault | None) -> dict[str, BirthDate]:
    """The birth dates in rows of the table `person`; without a day where the customer was erased."""
    stored = {customer_id: decode_stored_birth(content) for customer_id, content in rows.items()}
    sealed = [(customer_id, one.sealed) for customer_id, one in stored.items() if one.sealed is not None]
    if not sealed:
        return {customer_id: BirthDate(one.version, one.day) for customer_id, one in stored.items()}
    assert vault is not None, "what is sealed needs a vault"
    texts = vault.open_texts(FIELD, sealed)
    days = {one[0]: date.fromisoformat(text) for one, text in zip(sealed, texts, strict=True) if text is not None}
    return {customer_id: BirthDate(one.version, days.get(customer_id, one.day)) for customer_id, one in stored.items()}


def birth_date_rows(birth_dates: Mapping[str, BirthDate], vault: PersonVault | None) -> list[tuple[str, bytes]]:
    """Rows of the table `person`. Without a vault (a trial of rules without keys) days are written as they are."""
    return [(customer_id, encode(_stored(customer_id, born, vault))) for customer_id, born in birth_dates.items()]


def _stored(customer_id: str, born: BirthDate, vault: PersonVault | None) -> StoredBirth:
    if born.day is None or vault is None:
        return StoredBirth(born.version, born.day)
    try:
        return StoredBirth(born.version, None, vault.seal_text(customer_id, FIELD, born.day.isoformat()))
    except ErasedError:
        return StoredBirth(born.version, None)
