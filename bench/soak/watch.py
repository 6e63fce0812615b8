"""What the services look like from outside, every two seconds: memory, outbox, lag."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import psutil

from bench.soak.crowd import Crowd
from bench.soak.world import World
from tierflow_stack import kafka
from tierflow_stack.processes import members

READERS: Final = ("scoring", "contact-planner", "suitability")
OLD_S: Final = 2.0
EVERY_S: Final = 1.0
_ANSWER_S: Final = 10.0
_MIB: Final = 1 << 20
Ends = dict[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, `at` seconds after the first.

    By service: `rss` in MiB (also of Kafka), `outbox` messages that wait, `lag` messages on the log not taken yet, and
    `late` those of them that have been there for more than two seconds. A service that does not answer has no outbox;
    its lag is counted from where it was seen last.
    """

    at: float
    rss: Mapping[str, float]
    outbox: Mapping[str, int]
    lag: Mapping[str, int]
    late: Mapping[str, int]
    events: int
    sales: int


class Watch:
    """Looks at a world until `stop`. Every look goes to `tell`, too.

    Memory is read on the second; what services say is asked beside that, for in an outage an answer can take long.
    """

    def __init__(self, world: World, crowd: Crowd, tell: Callable[[Sample], None]) -> None:
        self._world, self._crowd, self._tell = world, crowd, tell
        self._positions: dict[str, Ends] = {service: {} for service in READERS}
        self._outbox: dict[str, int] = {}
        self._ends: deque[tuple[float, Ends]] = deque()
        self._heard: dict[str, float] = {}
        self._stopping = False
        self.samples: list[Sample] = []
        self.started = time.monotonic()

    async def run(self) -> None:
        """Looks once a second."""
        headers = {"Authorization": f"Bearer {self._world.token}"}
        async with (
            httpx.AsyncClient(headers=headers, trust_env=False, timeout=_ANSWER_S) as client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._asking(client, self._ask_for_ends))
            for service in READERS:
                group.create_task(self._asking(client, partial(self._ask_for_progress, service=service)))
            while not self._stopping:
                due = time.monotonic() + EVERY_S
                sample = await self._look()
                self.samples.append(sample)
                self._tell(sample)
                await asyncio.sleep(max(0.05, due - time.monotonic()))

    def stop(self) -> None:
        """The look under way is the last."""
        self._stopping = True

    @property
    def now(self) -> float:
        """Seconds on the clock of the samples."""
        return time.monotonic() - self.started

    def nothing_late(self, since: float) -> bool:
        """True when services that were asked after `since` had taken everything that was old by then."""
        return self._told_since(since) and not any(self._behind(self._ends[0][1]).values())

    def all_taken(self, since: float) -> bool:
        """True when services that were asked after `since` had taken everything and had nothing left to say."""
        return (
            self._told_since(since)
            and len(self._outbox) == len(READERS)
            and not any(self._outbox.values())
            and not any(self._behind(self._ends[-1][1]).values())
        )

    def _told_since(self, since: float) -> bool:
        return len(self._heard) == len(READERS) + 1 and min(self._heard.values()) > since

    async def _asking(self, client: httpx.AsyncClient, ask: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        while not self._stopping:
            due = time.monotonic() + EVERY_S / 2
            await ask(client)
            await asyncio.sleep(max(0.05, due - time.monotonic()))

    async def _ask_for_progress(self, client: httpx.AsyncClient, *, service: str) -> None:
        asked_at = self.now
        progress = await _asked(client, f"{self._world.urls[service]}/{service}/v1/progress")
        if progress is None:
            self._outbox.pop(service, None)
            return
        self._positions[service], self._outbox[service] = progress["positions"], progress["outbox"]
        self._heard[service] = asked_at

    async def _ask_for_ends(self, client: httpx.AsyncClient) -> None:
        asked_at = self.now
        log = await _asked(client, f"{self._world.urls['events']}/events/v1/log")
        if log is None:
            return
        ends = {
            f"{topic}/{partition['partition']}": int(partition["end"])
            for topic, partitions in log["topics"].items()
            for partition in partitions
        }
        self._ends.append((self.now, ends))
        while len(self._ends) > 1 and self._ends[1][0] <= self.now - OLD_S:
            self._ends.popleft()
        self._heard["log"] = asked_at

    async def _look(self) -> Sample:
        tally = self._crowd.tally
        return Sample(
            at=round(self.now, 2),
            rss=await asyncio.to_thread(self._memory),
            outbox=dict(self._outbox),
            lag=self._behind(self._ends[-1][1] if self._ends else {}),
            late=self._behind(self._ends[0][1] if self._ends else {}),
            events=tally.events,
            sales=len(tally.sales),
        )

    def _behind(self, ends: Mapping[str, int]) -> dict[str, int]:
        return {
            service: sum(max(0, ends.get(where, 0) - offset) for where, offset in self._positions[service].items())
            for service in READERS
        }

    def _memory(self) -> dict[str, float]:
        stack = self._world.stack
        pids = {name: member.pid for name, member in members(stack.folder).items()}
        broker = kafka.running_in(self._world.broker_folder)
        if broker is not None:
            pids["kafka"] = broker
        found = {}
        for name, pid in pids.items():
            try:
                found[name] = round(psutil.Process(pid).memory_info().rss / _MIB, 2)
            except psutil.NoSuchProcess:
                continue
        return found


async def _asked(client: httpx.AsyncClient, url: str) -> Any:
    """The answer, or None while the service cannot give one."""
    try:
        answer = await client.get(url)
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == httpx.codes.OK else None
