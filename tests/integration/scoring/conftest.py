"""The real scoring service over HTTP, fed by the real log, in a folder of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.databases import service_database_url
from tierflow_scoring.app import MIGRATIONS, create_app, open_database
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import TopicPartition
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock, SystemClock
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = "/scoring/v1"


@dataclass
class Service:
    """A running service and a client that may do everything."""

    app: FastAPI
    bus: SqliteBus
    clock: ManualClock
    issuer: EmbeddedIssuer
    http: httpx.AsyncClient
    told: int = 0

    def token(self, *scopes: str, customer: str | None = None) -> dict[str, str]:
        token = self.issuer.mint("tester", scopes or ALL_SCOPES, timedelta(hours=8), customer=customer)
        return {"authorization": f"Bearer {token}"}

    async def tell(self, *said: Data) -> None:
        """Publishes events as the events service would, and waits until they are taken in."""
        messages = [
            outgoing_message(data, event_id=f"e{self.told + n}", service="test", now=self.clock.now())
            for n, data in enumerate(said)
        ]
        self.told += len(said)
        await self.bus.producer().publish(messages)
        async with asyncio.timeout(20):
            while await self._behind():
                pass

    async def _behind(self) -> bool:
        progress = await self.get("/progress")
        positions = progress["positions"]
        for partition in range(await self.bus.partitions(BANK_EVENTS)):
            end = await self.bus.high_watermark(TopicPartition(BANK_EVENTS, partition))
            if positions.get(f"{BANK_EVENTS}/{partition}", 0) < end:
                return True
        return bool(progress["unfinished"])

    async def get(self, path: str, **query: str | int) -> Any:
        answer = await self.http.get(ROOT + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


database_url = service_database_url(
    "scoring", lambda url: open_database(ScoringSettings(database_url=url), SystemClock()), MIGRATIONS
)


@pytest.fixture
async def service(tmp_path: Path, database_url: str | None) -> AsyncIterator[Service]:
    """The service with Berka's policies on one partition, started; it is closed after the test."""
    clock = ManualClock(NOW)
    settings = ScoringSettings(
        data_dir=tmp_path,
        database_url=database_url,
        poll_timeout_s=0.02,
        policy_set="berka",
        partitions=1,
        base_currency="CZK",
    )
    bus = SqliteBus(tmp_path / "log.db", clock=SystemClock())
    app = create_app(settings, bus=bus, clock=clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close, 5.0)
        await stack.enter_async_context(app.router.lifespan_context(app))
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://scoring")
        )
        running = Service(app, bus, clock, EmbeddedIssuer.of(settings, clock), http)
        http.headers.update(running.token())
        yield running
