"""The real events service over HTTP: its routes, the SQLite log and its database, in a folder of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.databases import service_database_url
from tests.integration.events.samples import NOW
from tierflow_events.app import MIGRATIONS, create_app, open_database
from tierflow_events.settings import EventsSettings
from tierflow_shared.bus.port import BusUnavailableError, Message, Position, Record, TopicPartition
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import ManualClock, SystemClock
from tierflow_shared.store.database import Database
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

PATH = "/events/v1/events"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"


class SwitchableBus(SqliteBus):
    """The SQLite log with a switch: while it is off, nothing can be published."""

    is_off = False

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        if self.is_off:
            raise BusUnavailableError("switched off")
        return await super().publish(messages)


@dataclass
class EventsService:
    """A running service and a client that may do everything."""

    app: FastAPI
    bus: SwitchableBus
    clock: ManualClock
    issuer: EmbeddedIssuer
    http: httpx.AsyncClient
    settings: EventsSettings
    headers: dict[str, str] = field(default_factory=dict)

    def token(self, *scopes: str, subject: str = "tester", lifetime: timedelta = timedelta(hours=1)) -> str:
        return self.issuer.mint(subject, scopes or ALL_SCOPES, lifetime)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Another way into the service's database."""
        database = open_database(self.settings, self.clock)
        try:
            yield database
        finally:
            database.close()

    async def send(self, content: bytes, *, content_type: str = STRUCTURED, **headers: str) -> httpx.Response:
        return await self.http.post(PATH, content=content, headers={"content-type": content_type, **headers})

    async def eventually(self, path: str, is_right: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Asks until the answer is right; fails when it is not within a few seconds."""
        async with asyncio.timeout(10):
            while not is_right(answer := await self.http.get(path)):  # noqa: ASYNC110 - HTTP has no signal
                await asyncio.sleep(0.005)
        return answer

    async def mirror(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Shows positions of a group as its consumer would."""
        consumer = self.bus.consumer(group, "tester", [])
        await consumer.mirror(offsets)
        await consumer.close(1.0)

    async def on_log(self, topic: str) -> list[Record]:
        """Every record of a topic, partition by partition."""
        records: list[Record] = []
        for partition in range(await self.bus.partitions(topic)):
            records += await self.bus.fetch(TopicPartition(topic, partition), 0, 10_000)
        return records


def problem(answer: httpx.Response) -> Any:
    """The problem document of an answer that must be one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["type"] == f"urn:tierflow:problem:{document['code']}"
    return document


database_url = service_database_url(
    "events", lambda url: open_database(EventsSettings(database_url=url), SystemClock()), MIGRATIONS
)


@pytest.fixture
async def events(tmp_path: Path, database_url: str | None) -> AsyncIterator[EventsService]:
    """The service, started; it is closed after the test."""
    async with running_events(tmp_path, database_url) as service:
        yield service


@asynccontextmanager
async def running_events(tmp_path: Path, database_url: str | None) -> AsyncIterator[EventsService]:
    clock = ManualClock(NOW)
    settings = EventsSettings(data_dir=tmp_path, database_url=database_url, max_batch_events=1_000)
    bus = SwitchableBus(tmp_path / "log.db", clock=clock, lease_s=3600, background_heartbeat=False)
    app = create_app(settings, bus=bus, clock=clock)
    issuer = EmbeddedIssuer.of(settings, clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close, 5.0)
        await stack.enter_async_context(app.router.lifespan_context(app))
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events")
        )
        service = EventsService(app, bus, clock, issuer, http, settings)
        http.headers["authorization"] = f"Bearer {service.token()}"
        yield service
