"""The conformance suite of the bus: every adapter keeps what the port promises."""

import asyncio
import time

import pytest

from tests.contract.bus.harness import Harness, Reader, message, numbers
from tierflow_shared.bus.port import Bus, RetentionGapError, TopicPartition

pytestmark = pytest.mark.anyio


async def reader(bus: Bus, member: str, offsets: dict[TopicPartition, int] | None = None, group: str = "g") -> Reader:
    return await Reader(bus.consumer(group, member, ["t"]), offsets).start()


async def test_messages_of_one_key_come_in_the_order_of_publishing(harness: Harness) -> None:
    """Order per key holds within a call, across calls, and across many partitions."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 4})
        producer = bus.producer()
        for start in range(0, 60, 20):
            await producer.publish([message(f"k{n % 5}", n) for n in range(start, start + 20)])
        got = await (await reader(bus, "a")).read(60)
        for key in range(5):
            assert numbers(got, f"k{key}") == list(range(key, 60, 5))


async def test_equal_keys_share_a_partition_and_offsets_are_dense(harness: Harness) -> None:
    """A key never moves, and a partition numbers its messages 0, 1, 2 …"""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 4})
        positions = await bus.producer().publish([message(f"k{n % 7}", n) for n in range(70)])
        by_key = {n % 7: {positions[i].partition for i in range(n % 7, 70, 7)} for n in range(7)}
        assert all(len(partitions) == 1 for partitions in by_key.values())
        for partition in range(4):
            offsets = [p.offset for p in positions if p.partition == partition]
            assert offsets == list(range(len(offsets)))
            assert await bus.high_watermark(TopicPartition("t", partition)) == len(offsets)


async def test_concurrent_publishers_keep_each_ones_order(harness: Harness) -> None:
    """Calls that share a commit do not mix up the messages of one caller."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 2})
        producer = bus.producer()
        await asyncio.gather(*(producer.publish([message(f"k{c}", n) for n in range(25)]) for c in range(8)))
        got = await (await reader(bus, "a")).read(200)
        for caller in range(8):
            assert numbers(got, f"k{caller}") == list(range(25))


async def test_a_message_can_name_its_partition(harness: Harness) -> None:
    """Control records go to every partition, whatever their key."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 3})
        positions = await bus.producer().publish([message("same", n, partition=n) for n in range(3)])
        assert [p.partition for p in positions] == [0, 1, 2]


async def test_headers_value_and_type_come_back_byte_for_byte(harness: Harness) -> None:
    """What was published is what is read, and `type` repeats the header ce_type."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        sent = message("k", 1)._replace(value=b'{"a": "\xc3\xa9"}\x00\xff')
        await bus.producer().publish([sent])
        (got,) = await (await reader(bus, "a")).read(1)
        assert (got.value, tuple(got.headers), got.type, got.key) == (sent.value, sent.headers, "odd", "k")


async def test_what_is_acknowledged_survives_a_restart(harness: Harness) -> None:
    """Published messages are there when the log is opened again."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 2})
        await bus.producer().publish([message("k", n) for n in range(10)])
    async with harness.open() as bus:
        assert numbers(await (await reader(bus, "a")).read(10), "k") == list(range(10))


async def test_uncommitted_messages_are_redelivered_after_a_crash(harness: Harness) -> None:
    """A member that died without committing leaves its messages to the next one, from the stored offset."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        await bus.producer().publish([message("k", n) for n in range(10)])
        crashed = await reader(bus, "a")
        await crashed.read(10)
    async with harness.open() as bus:
        await harness.let_leases_end()
        successor = await reader(bus, "b", {TopicPartition("t", 0): 4})
        assert numbers(await successor.read(6), "k") == [4, 5, 6, 7, 8, 9]


async def test_a_member_that_stops_polling_loses_its_partitions_under_a_newer_epoch(harness: Harness) -> None:
    """The successor's epoch is larger, and the zombie learns at its next poll that it owns nothing."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        zombie = await reader(bus, "zombie")
        await zombie.own(1)
        old_epoch = zombie.epochs[TopicPartition("t", 0)]
        await harness.let_leases_end()
        successor = await reader(bus, "successor")
        await successor.own(1)
        assert successor.epochs[TopicPartition("t", 0)] > old_epoch
        await zombie.own(0)


async def test_two_members_share_and_one_that_leaves_hands_over(harness: Harness) -> None:
    """Rebalance: no partition has two owners, none is without one, and nothing is lost on the way."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 4})
        first = await reader(bus, "first")
        await first.own(4)
        second = await reader(bus, "second")
        await asyncio.gather(first.own(2), second.own(2))
        assert not set(first.epochs) & set(second.epochs)
        await bus.producer().publish([message(f"k{n % 16}", n) for n in range(64)])
        await first.consumer.close(5.0)
        second.offsets.update(dict.fromkeys(first.epochs, 0))
        await second.own(4)
        while len(second.records) < 64:
            await second.read(64 - len(second.records))
        assert sorted(int(r.value) for r in second.records) == list(range(64))


async def test_replay_from_an_offset(harness: Harness) -> None:
    """`seek` goes back: the same messages come again in the same order."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        await bus.producer().publish([message("k", n) for n in range(10)])
        one = await reader(bus, "a")
        await one.read(10)
        one.consumer.seek(TopicPartition("t", 0), 7)
        assert numbers(await one.read(3), "k") == [7, 8, 9]


async def test_replay_from_a_time(harness: Harness) -> None:
    """`offset_for_time` names the first message that is not older; past the end it is the high watermark."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        await bus.producer().publish([message("k", n) for n in range(3)])
        await harness.let_leases_end()
        await bus.producer().publish([message("k", n) for n in range(3, 5)])
        records = await bus.fetch(here, 0, 10)
        assert await bus.offset_for_time(here, records[0].timestamp_ms) == 0
        assert await bus.offset_for_time(here, records[3].timestamp_ms) == 3
        assert await bus.offset_for_time(here, records[4].timestamp_ms + 1) == 5


async def test_a_retention_gap_is_said_and_never_skipped(harness: Harness) -> None:
    """Reading what retention removed raises; seeking to the oldest message goes on."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        await bus.producer().publish([message("k", n) for n in range(10)])
        await bus.trim(here, 6)
        assert await bus.earliest(here) == 6
        one = await reader(bus, "a")
        with pytest.raises(RetentionGapError) as gap:
            await one.read(1)
        assert (gap.value.wanted, gap.value.earliest) == (0, 6)
        one.consumer.seek(here, gap.value.earliest)
        assert numbers(await one.read(4), "k") == [6, 7, 8, 9]
        with pytest.raises(RetentionGapError):
            await bus.fetch(here, 2, 1)


async def test_paused_partitions_stay_assigned_but_silent(harness: Harness) -> None:
    """Back-pressure: `pause` holds records back, `resume` brings all of them."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        one = await reader(bus, "a")
        await one.own(1)
        one.consumer.pause([here])
        await bus.producer().publish([message("k", n) for n in range(3)])
        assert not (await one.consumer.poll(10, 0.1)).end
        assert set(one.epochs) == {here}
        one.consumer.resume([here])
        assert numbers(await one.read(3), "k") == [0, 1, 2]


async def test_what_is_given_up_comes_back_under_a_newer_epoch(harness: Harness) -> None:
    """A member that the database fenced lets go; as nobody else wants the partition, it is assigned again."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        one = await reader(bus, "a")
        await one.own(1)
        epoch = one.epochs.pop(here)
        one.consumer.give_up([here])
        await bus.producer().publish([message("k", n) for n in range(3)])
        assert numbers(await one.read(3), "k") == [0, 1, 2]
        assert one.epochs[here] > epoch


async def test_unwanted_types_move_the_position_without_records(harness: Harness) -> None:
    """A filter never stalls: positions pass over what nobody asked for."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        await bus.producer().publish([message("k", n) for n in [*range(6), 8, 10]])
        one = await Reader(bus.consumer("g", "a", ["t"], frozenset({"odd"}))).start()
        while one.offsets.get(here, 0) < 8:
            batch = await one.consumer.poll(2, 5.0)
            one.records += [record for record in batch.records if record.type == "odd"]
            one.offsets.update(batch.end)
        assert numbers(one.records, "k") == [1, 3, 5]


async def test_poll_keeps_to_its_number_of_records(harness: Harness) -> None:
    """A poll never brings more than was asked for, and start and end enclose what came."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        await bus.producer().publish([message("k", n) for n in range(10)])
        one = await reader(bus, "a")
        batch = await one.consumer.poll(4, 5.0)
        here = TopicPartition("t", 0)
        assert (len(batch.records), batch.start[here], batch.end[here]) == (4, 0, 4)


async def test_groups_read_independently(harness: Harness) -> None:
    """Each group gets every message."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 2})
        await bus.producer().publish([message(f"k{n}", n) for n in range(10)])
        for group in ("one", "two"):
            assert len(await (await reader(bus, "m", group=group)).read(10)) == 10


async def test_mirrored_positions_are_shown_per_group(harness: Harness) -> None:
    """Lag tools see what a group mirrored, and nothing of other groups."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 1})
        here = TopicPartition("t", 0)
        await bus.producer().publish([message("k", n) for n in range(5)])
        one = await reader(bus, "a")
        await one.read(5)
        await one.consumer.mirror({here: 3})
        assert (await bus.mirrored("g")).get(here) == 3
        assert not await bus.mirrored("other")


async def test_shutdown_keeps_its_limit(harness: Harness) -> None:
    """Closing consumer and bus returns within the limit, and a closed member's partitions are free at once."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 2})
        one = await reader(bus, "a")
        await one.own(2)
        started = time.monotonic()
        await one.consumer.close(5.0)
        assert time.monotonic() - started < 5.0
        two = await reader(bus, "b")
        await two.own(2)


async def test_topics_keep_the_partitions_they_were_born_with(harness: Harness) -> None:
    """A second `ensure_topics` with another number must not move keys."""
    async with harness.open() as bus:
        await bus.ensure_topics({"t": 3})
        await bus.ensure_topics({"t": 8, "other": 2})
        assert (await bus.partitions("t"), await bus.partitions("other")) == (3, 2)
