"""Our own engines: the scoring service as it runs in production, and the peers' keyed sum on the same pipeline."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from bench.streaming.engine import EngineError, Job, Outcome, Position
from bench.streaming.workload import THRESHOLDS_MINOR, Standing
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_stack.free_ports import free_port
from tierflow_stack.postgres import Cluster

_STOP_LIMIT_S: Final = 30.0
_LAST_WORDS: Final = 3_000
_POSITIONS: Final = "SELECT partition, next_offset FROM consumer_position WHERE topic = %s ORDER BY partition"
_SCORED: Final = (
    "SELECT customer_id, sum(net_minor)::bigint, sum(transactions)::bigint FROM account_day GROUP BY customer_id"
)
_SUMMED: Final = "SELECT customer_id, sum_minor, postings, tier FROM standing"


class OurRun:
    """A process of ours and its PostgreSQL; how far it is says the offset in the database."""

    def __init__(self, process: asyncio.subprocess.Process, cluster: Cluster, url: str, events: int, log: Path) -> None:
        self._process, self._cluster, self._url, self._log = process, cluster, url, log
        self._events, self._taken = events, 0
        self._watch: psycopg.AsyncConnection[Any] | None = None
        self._stopped = False

    @property
    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"engine": [self._process.pid], "postgres": [self._cluster.pid or 0]}

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def at_the_end(self) -> bool:
        return self._taken >= self._events

    async def position(self) -> Position:
        if self._process.returncode is not None:
            words = self._log.read_text(errors="replace")[-_LAST_WORDS:]
            raise EngineError(f"it ended with {self._process.returncode} ({self._log}):\n{words}")
        if self._watch is None:
            self._watch = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        try:
            rows = await (await self._watch.execute(_POSITIONS, (BANK_EVENTS,))).fetchall()
        except psycopg.errors.UndefinedTable:
            return ()
        self._taken = sum(offset for _, offset in rows)
        return tuple(offset for _, offset in rows)

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._watch is not None:
            await self._watch.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_LIMIT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@dataclass(slots=True)
class Ours:
    """A way to run our pipeline on PostgreSQL. `query` reads sums and postings by customer, and a kept tier."""

    name: str
    command: Sequence[str]
    query: str
    settings: Mapping[str, object]
    _cluster: Cluster | None = None
    _url: str = ""

    def prepare(self) -> None:
        """Nothing to build: it is the project itself."""

    async def start(self, job: Job) -> OurRun:
        folder = Path(tempfile.mkdtemp(prefix="tierflow-bench-"))
        os.chmod(folder, 0o755)  # PostgreSQL runs as its own user
        self._cluster = Cluster(folder / "postgres")
        self._cluster.start()
        self._url = self._cluster.create_database("bench")
        prefix = job.topic.removesuffix(BANK_EVENTS)
        environment = {
            **os.environ,
            "TIERFLOW_KAFKA_BOOTSTRAP": job.bootstrap,
            "TIERFLOW_KAFKA_PREFIX": prefix,
            "TIERFLOW_DATABASE_URL": self._url.replace("postgresql://", "postgresql+psycopg://"),
            "TIERFLOW_PARTITIONS": str(job.partitions),
        }
        log = job.folder / "engine.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *self.command, "--data-dir", str(job.folder), env=environment, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        return OurRun(process, self._cluster, self._url.replace("+psycopg", ""), job.workload.events, log)

    async def result(self, job: Job) -> Outcome:  # noqa: ARG002 - the port of all engines
        assert self._cluster is not None, "start comes first"
        async with await psycopg.AsyncConnection.connect(self._url.replace("+psycopg", "")) as connection:
            rows = await (await connection.execute(self.query)).fetchall()
        self._cluster.destroy()
        shutil.rmtree(self._cluster.folder.parent, ignore_errors=True)
        return Outcome({row[0]: _standing(*row[1:]) for row in rows}, sum)


def _standing(sum_minor: int, postings: int, tier: int | None = None) -> Standing:
    reached = int(np.searchsorted(THRESHOLDS_MINOR, sum_minor, side="right"))
    return Standing(sum_minor, postings, reached if tier is None else tier)


def all_ours() -> list[Ours]:
    """The full work of scoring, and the peers' job."""
    serve = [str(Path(sys.executable).parent / "tierflow"), "serve", "--service", "scoring"]
    kept = {"database": "PostgreSQL, fsync on", "consistency": "offset, effects and outbox in one transaction"}
    return [
        Ours(
            "ours-scoring", [*serve, "--port", str(free_port())], _SCORED,
            {**kept, "work": "all features, both schemes, history, ledger of ids, outbox"},
        ),
        Ours("ours-keyed-sum", [sys.executable, "-m", "bench.streaming.keyed_sum"], _SUMMED,
             {**kept, "work": "the peers' job"}),
    ]  # fmt: skip
