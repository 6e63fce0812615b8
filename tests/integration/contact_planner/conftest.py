"""The real contact planner over HTTP, fed by the real log, in a folder of the test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.databases import service_database_url
from tests.unit.contact_planner.samples import account, consent, customer, holding, kyc, rm_updated, tier
from tierflow_contact_planner.app import MIGRATIONS, create_app, open_database
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock, SystemClock
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = "/contact-planner/v1"
WEEK = {"from": "2026-03-02", "to": "2026-03-08"}


@dataclass
class Planner:
    """A running service and a client that may do everything."""

    app: FastAPI
    bus: SqliteBus
    clock: ManualClock
    issuer: EmbeddedIssuer
    http: httpx.AsyncClient
    told: int = 0

    def token(self, *scopes: str, subject: str = "rm-1") -> str:
        return self.issuer.mint(subject, scopes or ALL_SCOPES, timedelta(hours=1))

    async def tell(self, *said: Data, prefix: str = "e") -> None:
        """Publishes events as other systems would, and waits until they are taken in."""
        messages = [
            outgoing_message(data, event_id=f"{prefix}{self.told + n}", service="test", now=NOW)
            for n, data in enumerate(said)
        ]
        self.told += len(said)
        await self.bus.producer().publish(messages)
        await self.caught_up()

    async def caught_up(self) -> None:
        """Returns when the service has read everything on the log."""
        async with asyncio.timeout(20):
            while await self._behind():
                pass

    async def _behind(self) -> bool:
        positions = (await self.get("/progress"))["positions"]
        for topic in ("bank.events", "bank.reference", "tierflow.tiers", "tierflow.sales"):
            for partition in range(await self.bus.partitions(topic)):
                end = await self.bus.high_watermark(TopicPartition(topic, partition))
                if positions.get(f"{topic}/{partition}", 0) < end:
                    return True
        return False

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.http.get(ROOT + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.http.post(ROOT + path, json=body, headers=headers)

    async def on_log(self, topic: str, count: int) -> Sequence[Record]:
        """The records of a topic, once there are at least so many."""
        async with asyncio.timeout(20):
            while True:
                records: list[Record] = []
                for partition in range(await self.bus.partitions(topic)):
                    records += await self.bus.fetch(TopicPartition(topic, partition), 0, 10_000)
                if len(records) >= count:
                    return records


database_url = service_database_url(
    "contact-planner", lambda url: open_database(PlannerSettings(database_url=url), SystemClock()), MIGRATIONS
)


@pytest.fixture
async def planner(tmp_path: Path, database_url: str | None) -> AsyncIterator[Planner]:
    """The service, started; it is closed after the test."""
    clock = ManualClock(NOW)
    settings = PlannerSettings(data_dir=tmp_path, database_url=database_url, poll_timeout_s=0.02)
    bus = SqliteBus(tmp_path / "log.db", clock=clock, lease_s=3600, background_heartbeat=False)
    app = create_app(settings, bus=bus, clock=clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close, 5.0)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://planner"))
        service = Planner(app, bus, clock, EmbeddedIssuer.of(settings, clock), http)
        http.headers["authorization"] = f"Bearer {service.token()}"
        yield service


def small_bank() -> list[Data]:
    """Two managers, four customers: private, platinum and familiar, personal without manager, general and silent."""
    return [
        rm_updated("rm-1", role="private-banking"),
        rm_updated("rm-2", role="personal"),
        customer("anna", rm_id="rm-1", style="analytical", preferred_channel="phone"),
        kyc(customer_id="anna"),
        tier("private", customer_id="anna"),
        customer("boris", rm_id="rm-1"),
        kyc(customer_id="boris"),
        holding(customer_id="boris"),
        consent("phone", "sale", customer_id="boris"),
        tier("platinum", customer_id="boris"),
        customer("cyril"),
        account(NOW.date() - timedelta(days=400), customer_id="cyril"),
        kyc("expired", customer_id="cyril"),
        tier("personal", customer_id="cyril"),
        customer("dana"),
        kyc(customer_id="dana"),
        tier("general", customer_id="dana"),
    ]
