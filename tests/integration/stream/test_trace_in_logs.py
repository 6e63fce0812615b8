"""Every line that is logged while a batch is worked on says which trace it belongs to."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.integration.stream.ledger import number
from tests.integration.stream.world import World, joined, opened
from tierflow_shared.bus.port import Message
from tierflow_shared.logs import configure_logging

pytestmark = pytest.mark.anyio
TRACE = "a" * 32


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, None, partitions=1) as world:
        yield world


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; logging is put back as it was."""
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()
    configure_logging("test", "INFO", stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level


def _traced(message: Message) -> Message:
    return message._replace(headers=(*message.headers, ("traceparent", f"00-{TRACE}-{'b' * 16}-01".encode())))


async def test_a_batch_has_a_trace_of_its_own_and_a_record_the_one_it_came_in(world: World, lines: io.StringIO) -> None:
    processor, _ = world.member("a")
    poisonous = [_traced(number("k", b"poison")), number("k", b"poison")]
    await world.bus.producer().publish([number("k", 1), *poisonous])
    async with joined(processor):
        await world.drain(processor)
        await world.bus.producer().publish(poisonous[1:])
        await world.drain(processor)
    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    of_batches = [line["trace_id"] for line in logged if line["event"].startswith("batch failed")]
    of_records = [line["trace_id"] for line in logged if line["event"] == "record refused"]
    assert len(of_batches) == len(set(of_batches)) == 2
    assert of_records[0] == TRACE
    assert len(of_records) == len({*of_records, *of_batches}) - len(of_batches) == 3
    assert all(len(one) == 32 for one in (*of_batches, *of_records))
    assert world.sums() == {"k": 1}
