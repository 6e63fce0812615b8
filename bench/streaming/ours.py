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
from typing import Any, Final, NamedTuple

import httpx
import numpy as np
import psycopg

from bench.streaming.engine import EngineError, Job, Outcome, Position
from bench.streaming.workload import THRESHOLDS_MINOR, Standing
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_stack.free_ports import free_port
from tierflow_stack.postgres import FORGETFUL, Cluster, temporary_cluster

_STOP_LIMIT_S: Final = 30.0
_LAST_WORDS: Final = 3_000
_PORTION: Final = 30_000
_LEAST_SHARE: Final = 0.8  # of an even share
_RECORDS: Final = "tierflow_stream_records_total{"
_BARE: Final = (sys.executable, "-m", "bench.streaming.bare")
_KEPT: Final[Mapping[str, object]] = {
    "database": "PostgreSQL, fsync on", "consistency": "offset, effects and outbox in one transaction",
}  # fmt: skip
_POSITIONS: Final = "SELECT partition, next_offset FROM consumer_position WHERE topic = %s ORDER BY partition"
_SCORED: Final = (
    "SELECT customer_id, sum(net_minor)::bigint, sum(transactions)::bigint FROM account_day GROUP BY customer_id"
)
_SUMMED: Final = "SELECT customer_id, sum_minor, postings, tier FROM standing"


class Member(NamedTuple):
    """One process, its HTTP port (0 when it has none) and its output."""

    process: asyncio.subprocess.Process
    port: int
    log: Path


class OurRun:
    """Processes of ours and their PostgreSQL; how far they are says the offset in the database."""

    def __init__(self, members: Sequence[Member], cluster: Cluster, url: str, events: int) -> None:
        self._members, self._cluster, self._url = members, cluster, url
        self._events, self._taken = events, 0
        self._shared = len(members) < 2
        self._watch: psycopg.AsyncConnection[Any] | None = None
        self._stopped = False

    @property
    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"engine": [one.process.pid for one in self._members], "postgres": [self._cluster.pid or 0]}

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def at_the_end(self) -> bool:
        return self._taken >= self._events

    async def position(self) -> Position:
        for one in self._members:
            if one.process.returncode or (one.process.returncode == 0 and not self.at_the_end):
                words = one.log.read_text(errors="replace")[-_LAST_WORDS:]
                raise EngineError(f"it ended with {one.process.returncode} ({one.log}):\n{words}")
        if self.at_the_end and not self._shared:
            await asyncio.to_thread(self._check_shares)
            self._shared = True
        if self._watch is None:
            self._watch = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        try:
            rows = await (await self._watch.execute(_POSITIONS, (BANK_EVENTS,))).fetchall()
        except psycopg.errors.UndefinedTable:
            return ()
        self._taken = sum(offset for _, offset in rows)
        return tuple(offset for _, offset in rows)

    def _check_shares(self) -> None:
        """Several members are no measure of anything when one of them did the work."""
        shares = [_applied(one.port) / self._events for one in self._members]
        if min(shares) < _LEAST_SHARE / len(shares):
            raise EngineError(f"the members did not share the work: {', '.join(f'{share:.0%}' for share in shares)}")

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._watch is not None:
            await self._watch.close()
        await asyncio.gather(*(_ended(one.process) for one in self._members))


async def _ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _applied(port: int) -> float:
    """Events that the scoring service on this port took and that had an effect."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=10).raise_for_status().text
    lines = [line for line in text.splitlines() if line.startswith(_RECORDS) and 'outcome="applied"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@dataclass(slots=True)
class Ours:
    """A way to run our pipeline on PostgreSQL. `query` reads sums and postings by customer, and a kept tier.

    `members` processes share the topic's partitions; `serves` says that the command wants a port each.
    """

    name: str
    command: Sequence[str]
    query: str
    settings: Mapping[str, object]
    members: int = 1
    serves: bool = False
    _cluster: Cluster | None = None
    _url: str = ""

    def prepare(self) -> None:
        """Nothing to build: it is the project itself."""

    async def start(self, job: Job) -> OurRun:
        folder = Path(tempfile.mkdtemp(prefix="tierflow-bench-"))
        os.chmod(folder, 0o755)  # PostgreSQL runs as its own user
        self._cluster = Cluster(folder / "postgres")
        self._cluster.start()
        members: list[Member] = []
        try:
            self._url = self._cluster.create_database("bench")
            command = await self._command(job)
            for number in range(self.members):
                members.append(await self._member(command, job, number))  # noqa: PERF401 - all of them end with one
        except BaseException:
            await asyncio.gather(*(_ended(one.process) for one in members))
            self._cluster.destroy()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return OurRun(members, self._cluster, self._url.replace("+psycopg", ""), job.workload.events)

    async def _command(self, job: Job) -> Sequence[str]:  # noqa: ARG002 - the bare limit makes it from the job
        return self.command

    async def _member(self, command: Sequence[str], job: Job, number: int) -> Member:
        environment = {
            **os.environ,
            "TIERFLOW_KAFKA_BOOTSTRAP": job.bootstrap,
            "TIERFLOW_KAFKA_PREFIX": job.topic.removesuffix(BANK_EVENTS),
            "TIERFLOW_DATABASE_URL": self._url.replace("postgresql://", "postgresql+psycopg://"),
            "TIERFLOW_PARTITIONS": str(job.partitions),
        }
        port, log = free_port() if self.serves else 0, job.folder / f"engine-{number}.log"
        listening = ["--port", str(port)] if port else []
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command, *listening, "--data-dir", str(job.folder), env=environment, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        return Member(process, port, log)

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


@dataclass(slots=True)
class Limit(Ours):
    """What PostgreSQL takes when nobody decides anything: the recorded writes of scoring, again."""

    async def _command(self, job: Job) -> Sequence[str]:
        folder = job.folder / "portions"
        folder.mkdir()
        portion = job.portion or _PORTION
        recorded = (
            job.workload.events, job.workload.customers, job.workload.seed, job.partitions, portion, folder,
        )  # fmt: skip
        self.settings = {**self.settings, "portion": portion}
        with temporary_cluster(FORGETFUL) as scratch:
            url = scratch.create_database("recorded")
            process = await asyncio.create_subprocess_exec(
                *_BARE, "record", *map(str, recorded), env={**os.environ, "TIERFLOW_DATABASE_URL": url},
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            try:
                words, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
        if process.returncode:
            raise EngineError(f"recording failed:\n{words.decode(errors='replace')[-_LAST_WORDS:]}")
        return [*_BARE, "replay", str(folder), str(job.partitions)]


def scoring(members: int = 1, name: str = "ours-scoring") -> Ours:
    """The scoring service as it runs in production, in so many processes."""
    serve = [str(Path(sys.executable).parent / "tierflow"), "serve", "--service", "scoring"]
    settings = {**_KEPT, "work": "all features, both schemes, history, ledger of ids, outbox", "processes": members}
    return Ours(name, serve, _SCORED, settings, members=members, serves=True)


def all_ours() -> list[Ours]:
    """The full work of scoring, its limit, and the peers' job."""
    kept = _KEPT
    return [
        scoring(),
        Limit(
            "limit", [], _SCORED,
            {**kept, "work": "the writes of ours-scoring by COPY and upsert alone, as many events a transaction"},
        ),
        Ours("ours-keyed-sum", [sys.executable, "-m", "bench.streaming.keyed_sum"], _SUMMED,
             {**kept, "work": "the peers' job"}),
    ]  # fmt: skip
