"""The broker is gone and requests go on: a bounded number waits in the database, the rest is told to come later.

Requests of suitability become durable without the log, so they pile up in the outbox: 429 at its limit. Events are
accepted by the log alone, so without it there is nothing to pile up: 503, and 429 when too many requests wait for that.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.contract.bus.kafka_harness import quick_options
from tests.integration.events.conftest import BATCHED, PATH, problem
from tests.integration.events.samples import batch, event
from tests.integration.suitability.bank import Bank, open_bank
from tests.integration.suitability.facts import customer, kyc, product, sale_body
from tierflow_events.app import create_app
from tierflow_events.settings import EventsSettings
from tierflow_shared.bus.kafka import KafkaBus
from tierflow_shared.bus.port import Bus, BusUnavailableError, Record, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.outcomes import SaleDecided
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES
from tierflow_stack.kafka import KafkaBroker

pytestmark = pytest.mark.anyio
SALES = 40
LIMIT, FAR_AWAY = 10, 100_000
WAITING_LIMIT = 4
DECIDED = "tierflow.sale.decided.v1"


@pytest.fixture
async def bus(broker: KafkaBroker) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(quick_options(broker.bootstrap, request_timeout_s=1.0), clock=SystemClock())
    yield bus
    await bus.close(5.0)


async def on_log(bus: Bus, topic: str) -> list[Record]:
    """Every record of a topic, partition by partition."""
    found: list[Record] = []
    for partition in range(await bus.partitions(topic)):
        found += await bus.fetch(TopicPartition(topic, partition), 0, 10_000)
    return found


async def waiting(bank: Bank) -> int:
    """Messages that wait in the outbox."""
    return int((await bank.get("/progress"))["outbox"])


async def ask_for_sales(bank: Bank) -> dict[str, httpx.Response]:
    """One sale request after another, by key."""
    return {f"k-{n}": await bank.call("POST", "/sales", sale_body(), key=f"k-{n}") for n in range(SALES)}


async def sold(bank: Bank, key: str) -> httpx.Response:
    """The answer to a request that comes again for as long as the outbox is full."""
    async with asyncio.timeout(30):
        while (answer := await bank.call("POST", "/sales", sale_body(), key=key)).status_code == 429:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return answer


async def emptied(bank: Bank) -> None:
    """Returns when nothing waits any more."""
    async with asyncio.timeout(30):
        while await waiting(bank):  # noqa: ASYNC110 - HTTP has no signal
            await asyncio.sleep(0.05)


async def told(bank: Bank) -> None:
    """A product and its buyer; said again while the partitions of new topics have no leader yet."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await bank.tell(product(), customer(), kyc())
            except BusUnavailableError:
                continue


async def sold_without_a_broker(bank: Bank, broker: KafkaBroker) -> dict[str, httpx.Response]:
    """The answers to forty requests while the broker is dead."""
    await told(bank)
    await bank.call("POST", "/sales", sale_body(), key="before", expect=201)
    await emptied(bank)
    await asyncio.to_thread(broker.kill)
    return await ask_for_sales(bank)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_full_outbox_refuses_and_loses_nothing(
    broker: KafkaBroker, bus: KafkaBus, tmp_path: Path, database_url: str
) -> None:
    """429 with Retry-After from the limit on, readers are still served; afterwards each sale is said once, in order."""
    async with open_bank(tmp_path, bus=bus, database_url=database_url, outbox_limit=LIMIT) as bank:
        answers = await sold_without_a_broker(bank, broker)
        taken = [answer.json()["sale_id"] for answer in answers.values() if answer.status_code == 201]
        refused = {key: answer for key, answer in answers.items() if answer.status_code != 201}
        assert list(answers)[: len(taken)] + list(refused) == list(answers)
        for answer in refused.values():
            assert (answer.status_code, answer.headers["retry-after"], problem(answer)["code"]) == (
                429,
                "1",
                "too-busy",
            )
        assert LIMIT <= await waiting(bank) < LIMIT + 5
        assert (await bank.get(f"/sales/{taken[-1]}"))["sale_id"] == taken[-1]
        await asyncio.to_thread(broker.start)
        await emptied(bank)
        for key in refused:
            answer = await sold(bank, key)
            assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
            taken.append(answer.json()["sale_id"])
        await emptied(bank)
        said = {record.header("ce_id"): record for record in await on_log(bus, "tierflow.sales")}
    decided = [record for record in said.values() if record.type == DECIDED]
    assert [msgspec.json.decode(one.value, type=SaleDecided).sale_id for one in decided][1:] == taken
    assert len(taken) == SALES


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_without_the_limit_the_outbox_grows(
    broker: KafkaBroker, bus: KafkaBus, tmp_path: Path, database_url: str
) -> None:
    """The control: with the limit far away nobody is refused, and what waits grows with every request."""
    async with open_bank(tmp_path, bus=bus, database_url=database_url, outbox_limit=FAR_AWAY) as bank:
        answers = await sold_without_a_broker(bank, broker)
        assert {answer.status_code for answer in answers.values()} == {201}
        assert await waiting(bank) >= SALES
        await asyncio.to_thread(broker.start)
        await emptied(bank)


@asynccontextmanager
async def open_ingest(folder: Path, bus: KafkaBus, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The events service on this log, and a client that may do everything."""
    configured = EventsSettings(data_dir=folder, **settings)
    app = create_app(configured, bus=bus, clock=SystemClock())
    token = EmbeddedIssuer.of(configured, SystemClock()).mint("tester", ALL_SCOPES, timedelta(hours=1))
    async with app.router.lifespan_context(app):
        headers = {"authorization": f"Bearer {token}", "content-type": BATCHED}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://events", headers=headers) as client:
            yield client


async def send_at_once(client: httpx.AsyncClient, bodies: list[bytes]) -> list[httpx.Response]:
    return await asyncio.gather(*(client.post(PATH, content=body) for body in bodies))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("limit", "expected"), [(WAITING_LIMIT, {429, 503}), (FAR_AWAY, {503})])
async def test_events_are_refused_while_the_log_is_away(
    broker: KafkaBroker, bus: KafkaBus, tmp_path: Path, database_url: str, limit: int, expected: set[int]
) -> None:
    """503 from the log, 429 beyond the limit of waiting requests (with that far away, none); nothing is half taken."""
    bodies = [batch(event(2 * n), event(2 * n + 1)) for n in range(8)]
    settings: dict[str, Any] = {"database_url": database_url, "max_waiting_requests": limit, "max_group_events": 2}
    async with open_ingest(tmp_path, bus, **settings) as client:
        await asyncio.to_thread(broker.kill)
        answers = await send_at_once(client, bodies)
        counts = Counter(answer.status_code for answer in answers)
        assert counts.keys() == expected
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert (await client.get("/events/v1/progress")).json()["outbox"] == 0
        await asyncio.to_thread(broker.start)
        for body in bodies:
            async with asyncio.timeout(30):
                while (await client.post(PATH, content=body)).status_code != httpx.codes.ACCEPTED:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        seen = Counter(record.header("ce_id") for record in await on_log(bus, BANK_EVENTS))
    assert seen.keys() == {f"E-{n}" for n in range(16)}
