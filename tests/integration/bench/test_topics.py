"""The stream bench on a real Kafka: what is filled is what was meant, and only what is committed counts."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from bench.streaming import topics, verify
from bench.streaming.engine import EngineError, Job, Position
from bench.streaming.watch import OutputWatch, watching
from bench.streaming.workload import THRESHOLDS_MINOR, Workload

from tierflow_stack.kafka import kafka

WORKLOAD = Workload(events=600, customers=12, seed=3)
PARTITIONS = 2
STEP = 150


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap


def new_job(bootstrap: str, folder: Path) -> Job:
    mark = uuid.uuid4().hex
    return Job(mark, bootstrap, f"{mark}-in", f"{mark}-out", PARTITIONS, WORKLOAD, folder)


async def filled(job: Job) -> list[tuple[int, bytes, bytes]]:
    """Fills the input topic and reads it back: partition, key, value."""
    await topics.create(job.bootstrap, [job.topic, job.output], PARTITIONS)
    await topics.fill(job.bootstrap, job.topic, PARTITIONS, WORKLOAD)
    found: list[tuple[int, bytes, bytes]] = []
    async with topics.reader(job.bootstrap, job.topic, PARTITIONS) as consumer:
        while len(found) < WORKLOAD.events:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found += [(record.partition, record.key, record.value) for record in records]
        ends = await consumer.end_offsets([TopicPartition(job.topic, number) for number in range(PARTITIONS)])
    assert sum(ends.values()) == WORKLOAD.events
    return found


def standings(records: list[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    """The job done: partition, key and value of every output record."""
    sums: dict[bytes, tuple[int, int]] = {}
    out = []
    for partition, key, value in records:
        data = json.loads(value)
        minor = int(data["amount"]["value"].replace(".", ""))
        total, count = sums.get(key, (0, 0))
        total, count = total + (minor if data["direction"] == "credit" else -minor), count + 1
        sums[key] = total, count
        tier = sum(total >= threshold for threshold in THRESHOLDS_MINOR)
        record = {"customer_id": key.decode(), "sum_minor": total, "count": count, "tier": tier}
        out.append((partition, key, json.dumps(record).encode()))
    return out


async def write(job: Job, watch: OutputWatch, *, aborts: bool) -> list[tuple[int, Position]]:
    """Writes the results in transactions, each tried a first time and given up (`aborts`) or committed as well.

    Returns how many events were committed at each position seen.
    """
    records, seen = standings(await filled(job)), [(0, (await watch.look()).position)]
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, transactional_id=job.name)
    await producer.start()
    try:
        for first in range(0, len(records), STEP):
            for attempt in (1, 2):
                await producer.begin_transaction()
                for partition, key, value in records[first : first + STEP]:
                    await producer.send(job.output, value, key=key, partition=partition)
                await producer.flush()
                look = await watch.look()
                assert not look.nothing_open
                seen.append((first, look.position))
                if attempt == 1 and aborts:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()
    finally:
        await producer.stop()
    return seen


def test_the_topic_holds_the_workload_in_order(bootstrap: str, tmp_path: Path) -> None:
    """Every message once; each customer in one partition, in the order of the workload."""
    found = asyncio.run(filled(new_job(bootstrap, tmp_path)))
    sent = [(posting.key, posting.value) for posting in WORKLOAD.postings()]
    assert sorted((key, value) for _, key, value in found) == sorted(sent)
    for wanted in {key for key, _ in sent}:
        mine = [(partition, value) for partition, key, value in found if key == wanted]
        assert [value for _, value in mine] == [value for key, value in sent if key == wanted]
        assert len({partition for partition, _ in mine}) == 1
    assert {partition for partition, _, _ in found} == set(range(PARTITIONS))


def test_what_was_given_up_does_not_count(bootstrap: str, tmp_path: Path) -> None:
    """Transactions that were aborted leave no trace, and a position covers exactly what was committed before."""

    async def run() -> None:
        job = new_job(bootstrap, tmp_path)
        async with watching(job) as watch:
            seen = await write(job, watch, aborts=True)
        outcome = await verify.read(job)
        verify.check(WORKLOAD.expected(), outcome.standings)
        assert [outcome.events_at(position) for _, position in seen] == [committed for committed, _ in seen]

    asyncio.run(run())


def test_control_what_was_committed_twice_is_found(bootstrap: str, tmp_path: Path) -> None:
    """The same writes with the first attempt committed: the checker must refuse them."""

    async def run() -> None:
        job = new_job(bootstrap, tmp_path)
        async with watching(job) as watch:
            await write(job, watch, aborts=False)
        with pytest.raises(EngineError, match="was written after"):
            await verify.read(job)

    asyncio.run(run())


def test_topics_are_removed(bootstrap: str, tmp_path: Path) -> None:
    """By the mark in their names, and no other."""

    async def run() -> None:
        kept, gone = new_job(bootstrap, tmp_path), new_job(bootstrap, tmp_path)
        await topics.create(bootstrap, [kept.topic, gone.topic, f"changelog__{gone.name}"], 1)
        await topics.remove(bootstrap, gone.name)
        async with topics.admin(bootstrap) as client:
            while any(gone.name in name for name in await client.list_topics()):
                pass
            assert kept.topic in await client.list_topics()

    asyncio.run(run())
