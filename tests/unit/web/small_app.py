"""A service with a handful of routes, to show what the shared edge does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI
from starlette.requests import Request

from tierflow_shared.clock import ManualClock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.app import create_service_app
from tierflow_shared.web.auth import PUBLIC, Principal, authority_for, requires
from tierflow_shared.web.health import Health
from tierflow_shared.web.models import MoneyModel, PathId, StrictModel
from tierflow_shared.web.pages import Page, PageRequest, page_request
from tierflow_shared.web.routing import service_router

NOW = datetime(2024, 6, 15, 12, 0, tzinfo=UTC)


class Order(StrictModel):
    """A body with the usual kinds of fields."""

    day: date
    amount: MoneyModel
    count: int
    share: float = 0.0
    tags: tuple[str, ...] = ()


router = service_router("/small/v1", ["small"])


@router.post("/orders/{order_id}")
async def write_order(
    order_id: PathId, order: Order, principal: Annotated[Principal, requires("sales:write")]
) -> dict[str, str]:
    """Says who wrote what."""
    return {"by": principal.subject, "order": order_id, "day": order.day.isoformat()}


@router.get("/numbers")
async def list_numbers(
    page: Annotated[PageRequest, Depends(page_request)],
    principal: Annotated[Principal, requires("sales:read")],
) -> Page[int]:
    """The numbers from 0 to 6, in pages."""
    after = page.after(int)
    start = 0 if after is None else after[0] + 1
    rows = [Number(n) for n in range(start, min(7, start + page.limit + 1))]
    shown, cursor = page.page(rows, "value")
    return Page(items=[number.value for number in shown], next=cursor)


class Number:
    """A row with one sort key."""

    def __init__(self, value: int) -> None:
        self.value = value


@router.get("/broken", dependencies=[PUBLIC])
async def broken() -> None:
    """Fails as a bug would, with a customer's name in the message."""
    raise RuntimeError("Jana Nováková, born 1970")


@router.post("/echo", dependencies=[PUBLIC])
async def echo(request: Request) -> dict[str, int]:
    """Reads the body itself."""
    return {"bytes": len(await request.body())}


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


def small_app(folder: Path, clock: ManualClock) -> FastAPI:
    """The app with the embedded issuer in `folder`."""
    settings, metrics = ServiceSettings(data_dir=folder, max_page_size=100), ServiceMetrics("small")
    return create_service_app(
        service="small",
        title="Small",
        settings=settings,
        routers=[router],
        lifespan=_lifespan,
        authority=authority_for(settings, clock, metrics),
        metrics=metrics,
        health=Health(),
        body_limits={"/small/v1/echo": 100_000},
    )


def client(app: FastAPI, token: str = "") -> httpx.AsyncClient:
    """A client of the app, with a token when one is given."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://small", headers=headers)
