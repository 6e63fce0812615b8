"""The one place that touches personal data: birth dates, in a table of their own."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Select, Table, literal, select

from tierflow_suitability.adapters.codec import decode_birth_date, encode
from tierflow_suitability.domain.customers import BirthDate


def birth_dates_of(table: Table, ids: BindParameter[Any], label: int) -> Select[tuple[int, str, bytes]]:
    """Rows `(label, customer id, content)` with the known birth dates of the customers in the parameter."""
    return select(literal(label), table.c.customer_id, table.c.birth_date).where(table.c.customer_id.in_(ids))


def birth_date_rows(birth_dates: Mapping[str, BirthDate]) -> list[tuple[str, bytes]]:
    """Rows of the table `person`."""
    return [(customer_id, encode(born)) for customer_id, born in birth_dates.items()]


__all__ = ["birth_date_rows", "birth_dates_of", "decode_birth_date"]
