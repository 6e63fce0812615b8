"""`POST /events/v1/business-date`: closes business days."""

from typing import Annotated

from fastapi import APIRouter

from tierflow_events.api.models import BusinessDateAnswer, BusinessDateBody
from tierflow_events.handlers.business_date import BackwardsError, BusinessDay, NotYetError
from tierflow_shared.bus.port import BusUnavailableError
from tierflow_shared.clock import Clock
from tierflow_shared.web.auth import Principal, requires
from tierflow_shared.web.problems import conflict, invalid, unavailable
from tierflow_shared.web.routing import service_router

_FIELD = "body.business_date"


def business_date_router(business_day: BusinessDay, clock: Clock) -> APIRouter:
    """The route that advances the business date."""
    router = service_router("/events/v1", ["business date"])

    @router.post("/business-date")
    async def advance(
        body: BusinessDateBody, principal: Annotated[Principal, requires("business-date:write")]
    ) -> BusinessDateAnswer:
        """All business days before the date are over. Says so in every partition, behind what was accepted before."""
        try:
            advanced = await business_day.advance(body.business_date, by=principal.subject, now=clock.now())
        except BackwardsError as error:
            raise conflict(str(error), code="business-date-backwards", field=_FIELD, rule="forward") from None
        except NotYetError:
            raise invalid(_FIELD, "not-in-future", "the day before this date has not ended") from None
        except BusUnavailableError:
            raise unavailable("the log does not take messages now; send this again") from None
        return BusinessDateAnswer(business_date=body.business_date, advanced=advanced)

    return router
