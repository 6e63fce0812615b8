"""What the library has fetched and not yet handed out; this module is the only one that looks into its fetcher.

Its public way makes an object of twelve fields and a list of headers for each message, only for us to make our own
record of it: four fifths of what reading costs, most of it the collector's. Told how to make a record, it makes ours
at once. Order, checksums, aborted transactions and positions stay the library's work.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as KafkaPartition

from tierflow_shared.bus.kafka.records import record_maker


class _Fetched(OrderedDict[KafkaPartition, Any]):
    """The fetcher's waiting answers (records or an error) by partition."""

    def __init__(self, plain: Callable[[str], str]) -> None:
        super().__init__()
        self._plain = plain

    def __setitem__(self, partition: KafkaPartition, answer: Any) -> None:
        records = getattr(answer, "_partition_records", None)
        if records is not None:
            records._consumer_record = record_maker(self._plain(partition.topic), partition.partition)
        super().__setitem__(partition, answer)


def make_our_records(consumer: AIOKafkaConsumer, plain: Callable[[str], str]) -> None:
    """From now on `getmany` of this started consumer gives our records; `plain` turns its topic names into ours."""
    fetcher = consumer._fetcher
    assert not fetcher._records, "before anything was fetched"
    fetcher._records = _Fetched(plain)


def forget_fetches(consumer: AIOKafkaConsumer) -> None:
    """After a fetch that raised: the library counts it as still running, and so would never find the member idle."""
    consumer._subscription._fetch_count = 0
