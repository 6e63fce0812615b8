"""The Kafka adapter on a real broker, with limits short enough for tests; every harness has its own names."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.clock import SystemClock

GROUP = "g"
_LOOK_AGAIN_S = 0.05
_LIMIT_S = 30.0


def quick_options(bootstrap: str, **changes: Any) -> KafkaOptions:
    """Options whose members are given up after a second without a poll; names of their own."""
    chosen: dict[str, Any] = {
        "prefix": f"test-{uuid.uuid4().hex[:12]}.",
        "session_timeout_s": 3.0,
        "heartbeat_s": 0.1,
        "max_poll_interval_s": 1.0,
        "fetch_wait_s": 0.1,
        "retry_backoff_s": 0.05,
    }
    return KafkaOptions(bootstrap, **{**chosen, **changes})


class KafkaHarness:
    """One prefix on the run's broker."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options

    @asynccontextmanager
    async def open(self) -> AsyncIterator[KafkaBus]:
        bus = KafkaBus(self._options, clock=SystemClock())
        try:
            yield bus
        finally:
            await bus.close(5.0)

    async def let_leases_end(self) -> None:
        await until_group_is_empty(self._options)


async def until_group_is_empty(options: KafkaOptions, group: str = GROUP) -> None:
    """Waits until the broker knows no member of the group."""
    deadline = time.monotonic() + _LIMIT_S
    while await members(options, group):
        assert time.monotonic() < deadline, "the group still has members"
        await asyncio.sleep(_LOOK_AGAIN_S)


async def members(options: KafkaOptions, group: str = GROUP) -> list[str]:
    """The members of a group as the broker sees them."""
    admin = AIOKafkaAdminClient(**options.connection())
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([options.full(group)])
        (described,) = answer.to_object()["groups"]
        return [member["member_id"] for member in described["members"]]
    finally:
        await admin.close()
