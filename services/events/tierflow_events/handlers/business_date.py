"""Closes business days: every partition of the bank's topic learns that all days before a date are over."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Final

from tierflow_events.ports import BusinessDates
from tierflow_shared.bus.port import Bus, Producer
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.registry import BANK_EVENTS

SERVICE: Final = "events"


class BackwardsError(Exception):
    """A closed day cannot be opened again."""

    def __init__(self, latest: date) -> None:
        super().__init__(f"the business date is already {latest.isoformat()}")


class NotYetError(Exception):
    """The day before this business date has not ended."""


class BusinessDay:
    """Advances the business date. It travels behind everything that was accepted before it, in each partition."""

    def __init__(self, dates: BusinessDates, bus: Bus, producer: Producer) -> None:
        self._dates, self._bus, self._producer = dates, bus, producer
        self._one_at_a_time = asyncio.Lock()

    async def advance(self, to: date, *, by: str, now: datetime) -> bool:
        """True if this call advanced it, False if it already was `to`.

        Raises:
            BackwardsError: the business date is later already.
            NotYetError: `to` lies more than a day ahead of `now`.
            BusUnavailableError: the log did not take it; repeat.
        """
        if to > now.date() + timedelta(days=1):
            raise NotYetError
        async with self._one_at_a_time:
            latest = await self._dates.latest()
            if latest == to:
                return False
            if latest is not None and to < latest:
                raise BackwardsError(latest)
            data, event_id = BusinessDateAdvanced(business_date=to), f"business-date-{to.isoformat()}"
            message = outgoing_message(data, event_id=event_id, service=SERVICE, now=now)
            partitions = await self._bus.partitions(BANK_EVENTS)
            await self._producer.publish([message._replace(partition=partition) for partition in range(partitions)])
            await self._dates.advanced(to, by, now)
            return True
