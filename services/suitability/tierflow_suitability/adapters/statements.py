"""The reads of every transaction, built once: building them each time costs more than running them."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, Select, bindparam, literal, select, union_all
from sqlalchemy.sql.base import Executable

from tierflow_suitability.adapters.persons import birth_dates_of
from tierflow_suitability.adapters.tables import Tables

REGISTERS: Final = 0
BIRTH_DATE: Final = 1
ASSESSMENT: Final = 2
IDS: Final = "ids"


@dataclass(frozen=True, slots=True)
class Statements:
    """Reads take their ids as the parameter `ids`."""

    marks: Select[tuple[str, str]]
    customers: Executable
    sales: Select[tuple[bytes]]
    open_sales: Select[tuple[bytes]]

    @staticmethod
    def of(tables: Tables) -> "Statements":
        customer, assessment, sale, mark = tables.customer.c, tables.assessment.c, tables.sale.c, tables.mark.c
        ids: BindParameter[Any] = bindparam(IDS, expanding=True)
        return Statements(
            marks=select(mark.name, mark.value).order_by(mark.name).with_for_update(),
            customers=union_all(
                select(literal(REGISTERS), customer.customer_id, customer.registers).where(
                    customer.customer_id.in_(ids)
                ),
                birth_dates_of(tables.person, ids, BIRTH_DATE),
                select(literal(ASSESSMENT), assessment.customer_id, assessment.content).where(
                    assessment.customer_id.in_(ids)
                ),
            ),
            sales=select(sale.content).where(sale.sale_id.in_(ids)),
            open_sales=select(sale.content).where(sale.customer_id.in_(ids), sale.is_open),
        )
