"""A little bank around the real app: its clock is moved by hand, its log is a file, its callers have tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from tests.customer_keys import empty_keys
from tierflow_shared.bus.port import Bus, Message, Position
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import TYPE_OF_DATA
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES
from tierflow_suitability.app import create_app
from tierflow_suitability.settings import SuitabilitySettings

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PREFIX = "/suitability/v1"


@dataclass
class Bank:
    """The running service and everything a test does to it."""

    app: FastAPI
    client: httpx.AsyncClient
    clock: ManualClock
    bus: Bus
    issuer: EmbeddedIssuer
    settings: SuitabilitySettings

    def token(self, subject: str, customer: str | None = None, scopes: frozenset[str] = ALL_SCOPES) -> dict[str, str]:
        minted = self.issuer.mint(subject, scopes, timedelta(hours=12), customer)
        return {"Authorization": f"Bearer {minted}"}

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        by: str = "core-banking",
        customer: str | None = None,
        key: str | None = None,
        expect: int | None = None,
        scopes: frozenset[str] = ALL_SCOPES,
    ) -> httpx.Response:
        """One request; `expect` is the status it must have."""
        headers = self.token(by, customer, scopes)
        if key is not None:
            headers["Idempotency-Key"] = key
        response = await self.client.request(method, PREFIX + path, json=body, headers=headers)
        if expect is not None:
            assert response.status_code == expect, response.text
        return response

    async def get(self, path: str, **kwargs: Any) -> Any:
        return (await self.call("GET", path, expect=kwargs.pop("expect", 200), **kwargs)).json()

    async def post(self, path: str, body: object = None, **kwargs: Any) -> Any:
        return (await self.call("POST", path, body, **kwargs)).json()

    async def tell(self, *events: tuple[str, Data, datetime]) -> None:
        """Publishes events `(id, data, time)` of core banking and waits until the service has read them."""
        producer = self.bus.producer()
        positions = await producer.publish([event_message(*event) for event in events])
        await self.read_up_to(positions)

    async def read_up_to(self, positions: "list[Position] | Any") -> None:
        wanted: dict[str, int] = {}
        for position in positions:
            name = f"{position.topic}/{position.partition}"
            wanted[name] = max(wanted.get(name, 0), position.offset + 1)
        while True:
            read = (await self.get("/progress"))["positions"]
            if all(read.get(name, 0) >= offset for name, offset in wanted.items()):
                return


def event_message(event_id: str, data: Data, time: datetime, source: str = "/core-banking") -> Message:
    """An event of the bank as the events service would put it on the log."""
    event_type = TYPE_OF_DATA[type(data)]
    headers = headers_of(event_id=event_id, source=source, event_type=event_type.name, time=time.isoformat())
    return Message(event_type.topic, str(getattr(data, event_type.key_field)), msgspec.json.encode(data), headers)


@asynccontextmanager
async def open_bank(folder: Path, *, bus: Bus | None = None, **settings: Any) -> AsyncIterator[Bank]:
    """The service with its own files, running until the block ends; on a log of its own when none is given."""
    clock = ManualClock(NOW)
    configured = SuitabilitySettings(
        data_dir=folder, poll_timeout_s=0.02, keys_url=empty_keys(folder), clear_on_log="accept", **settings
    )
    log = bus or SqliteBus(configured.bus_file, clock=clock, background_heartbeat=False)
    app = create_app(configured, bus=log, clock=clock)
    issuer = EmbeddedIssuer.of(configured, clock)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as client:
            yield Bank(app, client, clock, log, issuer, configured)
    if bus is None:
        await log.close(5.0)
