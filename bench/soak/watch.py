"""What the services look like from outside, every two seconds: memory, outbox, lag."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """Looks at a world until `stop`. Every look goes to `tell`, too."""

    def __init__(self, world: World, crowd: Crowd, tell: Callable[[Sample], None]) -> None:
        self._world, self._crowd, self._tell = world, crowd, tell
        self._positions: dict[str, Ends] = {service: {} for service in READERS}
        self._ends: deque[tuple[float, Ends]] = deque()
        self._stopping = False
        self.samples: list[Sample] = []
        self.started = time.monotonic()

    async def run(self) -> None:
        """Looks once a second."""
        headers = {"Authorization": f"Bearer {self._world.token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as client:
            while not self._stopping:
                began = time.monotonic()
                sample = await self._look(client)
                self.samples.append(sample)
                self._tell(sample)
                await asyncio.sleep(max(0.05, EVERY_S - (time.monotonic() - began)))

    def stop(self) -> None:
        """The look under way is the last."""
        self._stopping = True

    @property
    def now(self) -> float:
        """Seconds on the clock of the samples."""
        return time.monotonic() - self.started

    @property
    def nothing_late(self) -> bool:
        """True when the last look found every service at the end of the log as it was two seconds before."""
        return bool(self.samples) and not any(self.samples[-1].late.values())

    async def _look(self, client: httpx.AsyncClient) -> Sample:
        await self._look_at_the_ends(client)
        outbox: dict[str, int] = {}
        for service in READERS:
            progress = await _asked(client, f"{self._world.urls[service]}/{service}/v1/progress")
            if progress is not None:
                self._positions[service], outbox[service] = progress["positions"], progress["outbox"]
        newest = self._ends[-1][1] if self._ends else {}
        old = self._ends[0][1] if self._ends else {}
        tally = self._crowd.tally
        return Sample(
            at=round(self.now, 2),
            rss=await asyncio.to_thread(self._memory),
            outbox=outbox,
            lag={service: _behind(self._positions[service], newest) for service in READERS},
            late={service: _behind(self._positions[service], old) for service in READERS},
            events=tally.events,
            sales=len(tally.sales),
        )

    async def _look_at_the_ends(self, client: httpx.AsyncClient) -> None:
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


def _behind(positions: Mapping[str, int], ends: Mapping[str, int]) -> int:
    return sum(max(0, ends.get(where, 0) - offset) for where, offset in positions.items())
