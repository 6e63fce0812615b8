"""A process that joins a group and stays until it is killed: `python -m tests.integration.stream.lonely_member …`."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence

from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.bus.port import Assignment, TopicPartition
from tierflow_shared.clock import SystemClock


class Listener:
    """Says how many partitions it was given."""

    async def assigned(self, assignments: Sequence[Assignment]) -> Mapping[TopicPartition, int]:
        sys.stdout.write(f"{len(assignments)}\n")
        sys.stdout.flush()
        return {assignment.topic_partition: 0 for assignment in assignments}

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        pass


async def main(options: KafkaOptions) -> None:
    """Polls for ever."""
    consumer = KafkaBus(options, clock=SystemClock()).consumer("g", "lonely", ["numbers"])
    await consumer.start(Listener())
    while True:
        await consumer.poll(10, 0.2)


if __name__ == "__main__":
    asyncio.run(main(KafkaOptions(**json.loads(sys.argv[1]))))
