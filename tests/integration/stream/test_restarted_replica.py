"""A replica that was killed comes back: it need not wait until the broker has given up its earlier life."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.contract.bus.kafka_harness import members, quick_options
from tests.integration.stream.ledger import expected_sums, number
from tests.integration.stream.world import World, joined, opened
from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.clock import SystemClock
from tierflow_shared.stream.processor import StreamProcessor

pytestmark = pytest.mark.anyio
_SOON_S: Final = 20.0
_TOLD: Final = ("bootstrap", "prefix", "instance_id", "session_timeout_s", "max_poll_interval_s")


@pytest.fixture
async def world(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(
        tmp_path, quick_options(kafka_bootstrap, session_timeout_s=60.0, max_poll_interval_s=60.0), partitions=4
    ) as world:
        yield world


@contextmanager
def killed_life(options: KafkaOptions) -> Iterator[None]:
    """Another process held all four partitions and was killed; the broker believes in it for a minute."""
    told = json.dumps({name: getattr(options, name) for name in _TOLD})
    command = [sys.executable, "-m", "tests.integration.stream.lonely_member", told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "4\n"
        finally:
            process.kill()
    yield


async def until_it_holds_all(processor: StreamProcessor) -> None:
    async with asyncio.timeout(_SOON_S):
        while len(processor._epochs) != 4:
            await processor.step()


def as_replica(world: World, name: str | None) -> KafkaOptions:
    """From now on the world's members are this replica."""
    assert world.kafka is not None
    options = replace(world.kafka, instance_id=name)
    world.bus = KafkaBus(options, clock=SystemClock())
    return options


async def test_it_takes_its_earlier_life_out_of_the_group_and_goes_on(world: World) -> None:
    await world.bus.producer().publish([number(f"k{n % 8}", n) for n in range(40)])
    await world.bus.close(5.0)
    options = as_replica(world, "scoring-0")
    with killed_life(options):
        assert len(await members(options)) == 1
        again, _ = world.member("again")
        async with joined(again):
            await until_it_holds_all(again)
            await world.drain(again)
            assert len(await members(options)) == 1
    assert world.sums() == await expected_sums(world.bus)


async def test_control_without_a_name_it_waits_for_the_session_to_end(kafka_bootstrap: str, tmp_path: Path) -> None:
    session_s = 6.0
    async with opened(tmp_path, quick_options(kafka_bootstrap, session_timeout_s=session_s), partitions=4) as world:
        assert world.kafka is not None
        with killed_life(replace(world.kafka, max_poll_interval_s=60.0)):
            killed_at = time.monotonic()
            again, _ = world.member("again")
            async with joined(again):
                await until_it_holds_all(again)
            assert time.monotonic() - killed_at > session_s / 2


async def test_replicas_of_other_names_are_left_alone(world: World) -> None:
    """And a replica whose name is taken by mistake is not thrown out again and again: both go on."""
    await world.bus.close(5.0)
    as_replica(world, "scoring-0")
    first, _ = world.member("first")
    one = world.bus
    as_replica(world, "scoring-1")
    second, _ = world.member("second")
    two = world.bus
    as_replica(world, "scoring-1")
    third, _ = world.member("third")
    try:
        async with joined(first), joined(second), joined(third), asyncio.timeout(60):
            for group in ((first,), (first, second), (first, second, third)):
                wanted = sorted([4 // len(group)] * (len(group) - 1) + [4 - (4 // len(group)) * (len(group) - 1)])
                while sorted(len(one._epochs) for one in group) != wanted:
                    await asyncio.gather(*(processor.step() for processor in group))
    finally:
        await one.close(5.0)
        await two.close(5.0)
