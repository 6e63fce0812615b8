"""Looking at the log on Kafka beside the consumers: nothing stays behind that later looks would wait for."""

import pytest

from tests.contract.bus.harness import message
from tests.contract.bus.kafka_harness import KafkaHarness, quick_options
from tierflow_shared.bus.port import TopicPartition

pytestmark = pytest.mark.anyio


async def test_after_a_read_nothing_more_is_asked_for(kafka_bootstrap: str) -> None:
    """A reader that stays assigned asks the broker for more all the time, and each look at an offset waits half a
    second behind that question: with 24 partitions `GET /events/v1/log` took 22 s.
    """
    here = TopicPartition("t", 0)
    async with KafkaHarness(quick_options(kafka_bootstrap)).open() as bus:
        await bus.ensure_topics({"t": 1})
        await bus.producer().publish([message("k", n) for n in range(5)])
        assert len(await bus.fetch(here, 0, 10)) == 5
        reader = await bus._looker._reader.get()
        assert reader.assignment() == frozenset()
        assert len(await bus.fetch(here, 2, 10)) == 3
