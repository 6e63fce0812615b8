"""Closed business days over SQL."""

import asyncio
from datetime import date, datetime

from sqlalchemy import func, select

from tierflow_events.adapters.letters import milliseconds
from tierflow_events.adapters.tables import BUSINESS_DATE
from tierflow_shared.store.acts import Act, record_acts
from tierflow_shared.store.database import Database
from tierflow_shared.store.dialect import upsert


class SqlBusinessDates:
    """A row for each advance: the date, who ordered it and when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> date | None:
        return await asyncio.to_thread(self._latest)

    def _latest(self) -> date | None:
        with self._database.reading() as connection:
            text = connection.execute(select(func.max(BUSINESS_DATE.c.business_date))).scalar_one()
        return None if text is None else date.fromisoformat(text)

    async def advanced(self, to: date, by: str, at: datetime) -> None:
        await asyncio.to_thread(self._advanced, to, by, at)

    def _advanced(self, to: date, by: str, at: datetime) -> None:
        row = {"business_date": to.isoformat(), "advanced_by": by, "advanced_at_ms": milliseconds(at)}
        with self._database.writing() as uow:
            uow.connection.execute(upsert(uow.connection, BUSINESS_DATE).values(**row).on_conflict_do_nothing())
            record_acts(uow, [Act(by, "business-date.advance", to.isoformat())])
