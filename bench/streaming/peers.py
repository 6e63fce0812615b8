"""The peers as engines: a process each, told where the topic lies, watched from outside."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.streaming import build, verify
from bench.streaming.engine import EngineError, Job, Outcome, Position
from bench.streaming.watch import OutputWatch, watching
from bench.streaming.workload import THRESHOLDS_MINOR

_STOP_LIMIT_S: Final = 30.0
_LAST_WORDS: Final = 3_000


class PeerRun:
    """A peer's process at work."""

    def __init__(
        self, process: asyncio.subprocess.Process, watch: OutputWatch, events: int, log: Path, stack: AsyncExitStack
    ) -> None:
        self._process, self._watch, self._log, self._stack = process, watch, log, stack
        self._events, self._taken = events, 0
        self._at_the_end = self._stopped = False
        self._listener = asyncio.create_task(self._listen())

    @property
    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"engine": [self._process.pid]}

    @property
    def taken(self) -> int:
        return self._taken

    async def position(self) -> Position:
        if self._process.returncode is not None:
            words = self._log.read_text(errors="replace")[-_LAST_WORDS:]
            raise EngineError(f"it ended with {self._process.returncode} ({self._log}):\n{words}")
        position, nothing_open = await self._watch.look()
        self._at_the_end = nothing_open and self._taken >= self._events and sum(position) >= self._events
        return position

    @property
    def at_the_end(self) -> bool:
        return self._at_the_end

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        try:
            self._signal(signal.SIGTERM)
            await asyncio.wait_for(self._process.wait(), _STOP_LIMIT_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)
            await self._listener
            await self._stack.aclose()

    def _signal(self, number: signal.Signals) -> None:
        # The process leads its own group, so its children get the signal, too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.startswith(b'{"taken":'):
                self._taken = int(json.loads(line)["taken"])


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine whose program is `command` with `--name value` pairs behind it."""

    name: str
    command: Callable[[], list[str]]
    settings: Mapping[str, object]
    options: Mapping[str, str]

    def prepare(self) -> None:
        self.command()

    async def start(self, job: Job) -> PeerRun:
        options = {
            "bootstrap": job.bootstrap, "group": job.name, "input": job.topic, "output": job.output,
            "state": str(job.folder / "state"), "thresholds": ",".join(map(str, THRESHOLDS_MINOR)), **self.options,
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        log = job.folder / "engine.log"
        async with AsyncExitStack() as stack:
            watch = await stack.enter_async_context(watching(job))
            with log.open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *self.command(), *arguments, cwd=job.folder, start_new_session=True,
                    stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=errors,
                )  # fmt: skip
            return PeerRun(process, watch, job.workload.events, log, stack.pop_all())
        raise AssertionError

    async def result(self, job: Job) -> Outcome:
        return await verify.read(job)


def all_peers() -> list[Peer]:
    """Every peer in the order in which it is measured."""
    flinks = [_flink(backend, slots) for slots in (1, 2) for backend in ("rocksdb", "hashmap")]
    return [_quix(), _kafka_streams(), *flinks]


def _quix() -> Peer:
    program = str(build.PEERS / "quix" / "quix_peer.py")
    return Peer(
        name="quix",
        command=lambda: [build.quix_python(), program],
        settings={
            "quixstreams": build.quix_version(), "processing_guarantee": "exactly-once", "commit_interval_s": 1,
            "state": "RocksDB with changelog",
        },
        options={},
    )  # fmt: skip


def _java(module: str, main: str, heap_mb: int, *flags: str) -> Callable[[], list[str]]:
    memory = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m"]
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return lambda: [
        build.java(), *memory, quiet, *flags, "-cp", build.java_classpath(module), f"io.tierflow.bench.{main}",
    ]  # fmt: skip


def _kafka_streams() -> Peer:
    return Peer(
        name="kafka-streams",
        command=_java("kafka-streams", "KafkaStreamsPeer", 1024),
        settings={
            "kafka-streams": build.version("kafka"), "processing.guarantee": "exactly_once_v2", "threads": 1,
            "state": "RocksDB with changelog, no record cache", "commit.interval.ms": "default (100)",
            "heap_mib": 1024,
        },
        options={},
    )  # fmt: skip


# Flink reaches into the JDK by reflection; its own start scripts open the same packages.
_FLINK_OPENS = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "time", "nio", "net")]


def _flink(backend: str, slots: int) -> Peer:
    return Peer(
        name=f"flink-{backend}" if slots == 1 else f"flink-{backend}-p{slots}",
        command=_java("flink", "FlinkPeer", 1536, *_FLINK_OPENS),
        settings={
            "flink": build.version("flink"), "flink-connector-kafka": build.version("flink-connector-kafka"),
            "state": backend, "parallelism": slots, "checkpoints": "exactly-once, every 1 s, incremental, local files",
            "sink": "transactional", "heap_mib": 1536, "managed_memory_mib": 256,
        },
        options={"backend": backend, "parallelism": str(slots)},
    )  # fmt: skip
