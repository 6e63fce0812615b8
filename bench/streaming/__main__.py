"""`python -m bench.streaming`: every engine in turn on one topic; a table, and `var/bench/stream-<engine>.json`."""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.interrupts import end_as_by_ctrl_c
from bench.result import FOLDER, Result
from bench.streaming import curve as _curve
from bench.streaming import topics
from bench.streaming.engine import Engine, EngineError, Job
from bench.streaming.measure import WARM_UP_SHARE, Figure, turn
from bench.streaming.ours import all_ours
from bench.streaming.peers import all_peers
from bench.streaming.workload import THRESHOLDS_MINOR, Workload
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_stack.kafka import ForeignBroker, KafkaBroker, kafka
from tierflow_stack.kafka_files import kafka_version

_HEAP_MB = 1024
_FILE_WIDTH = 150
_WORK = Path("var/bench/streaming")
say = Console(stderr=True)
show = Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)


def file_of(engine: str) -> Path:
    """Where the result of an engine lies."""
    return FOLDER / f"stream-{engine}.json"


def engines() -> list[Engine]:
    """Whatever can be measured, in order."""
    return [*all_ours(), *all_peers()]


def run(
    events: Annotated[int, typer.Option(help="postings on the topic")] = 1_000_000,
    customers: Annotated[int, typer.Option(help="customers they fall on")] = 20_000,
    partitions: Annotated[int, typer.Option(help="partitions of the topics")] = 4,
    rounds: Annotated[int, typer.Option(help="turns of every engine, one after the other; the median counts")] = 1,
    engine: Annotated[str, typer.Option(help="names, separated by commas; all without")] = "",
    curve: Annotated[
        bool, typer.Option("--curve", help="ours in 1 and 2 processes with 10 k to 1 M customers")
    ] = False,
    seed: int = 1,
) -> None:
    """Measures and checks every engine on the same job."""
    if curve:
        points: list[tuple[int, Result]] = []
        failed = False
        for number in _curve.CUSTOMERS:
            results, failures = _measured(
                Workload(events, number, seed), _curve.PARTITIONS, rounds, _curve.engines(number), _curve.BROKER
            )
            points += [(number, result) for result in results]
            failed = failed or bool(failures)
        show.print(_curve.table(points))
        raise typer.Exit(failed)
    known = {one.name: one for one in engines()}
    names = [name for name in engine.split(",") if name] or list(known)
    if unknown := set(names) - known.keys():
        raise typer.BadParameter(f"no such engine: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in names]
    results, failures = _measured(Workload(events, customers, seed), partitions, rounds, chosen, {})
    show.print(_table(results))
    raise typer.Exit(bool(failures))


def _measured(
    workload: Workload, partitions: int, rounds: int, chosen: Sequence[Engine], settings: Mapping[str, str]
) -> tuple[list[Result], Mapping[str, str]]:
    """The results of these engines on a broker of their own, and what failed, by name."""
    for one in chosen:
        say.print(f"preparing {one.name}")
        one.prepare()
    _WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=_WORK.absolute(), prefix="run-"))
    try:
        with kafka(folder / "kafka", heap_mb=_HEAP_MB, settings=settings) as broker:
            bench = Bench(broker, workload, partitions, folder)
            results = asyncio.run(bench.measure(chosen, rounds))
    finally:
        shutil.rmtree(folder / "kafka", ignore_errors=True)
    if bench.failures:
        say.print(f"[red]failed[/]: {', '.join(bench.failures)}; what they left lies in {folder}")
    else:
        shutil.rmtree(folder)
    return results, bench.failures


class Bench:
    """A filled topic on a broker, and the turns of the engines on it."""

    def __init__(self, broker: KafkaBroker | ForeignBroker, workload: Workload, partitions: int, folder: Path) -> None:
        self._bootstrap, self._workload, self._partitions, self._folder = broker.bootstrap, workload, partitions, folder
        self._beside = {"broker": [broker.pid]} if isinstance(broker, KafkaBroker) and broker.pid else {}
        self._mark = f"bench-{os.getpid()}-{time.monotonic_ns()}"
        self._topic = f"{self._mark}-{BANK_EVENTS}"  # ours reads it behind a prefix
        self._expected = workload.expected()
        self._portion = 0
        self.failures: dict[str, str] = {}

    async def measure(self, chosen: Sequence[Engine], rounds: int) -> list[Result]:
        """Fills the topic, gives every engine its turns and keeps the results of those that never failed."""
        for one in chosen:
            file_of(one.name).unlink(missing_ok=True)
        try:
            started = time.perf_counter()
            await topics.create(self._bootstrap, [self._topic], self._partitions)
            await topics.fill(self._bootstrap, self._topic, self._partitions, self._workload)
            say.print(f"{self._workload.events:,} events written in {time.perf_counter() - started:.1f} s")
            reads = [await self._bare_read()]
            figures: dict[str, list[Figure]] = {one.name: [] for one in chosen}
            for number in range(rounds):
                for one in chosen:
                    if one.name not in self.failures:
                        await self._turn(one, number, figures[one.name])
            reads.append(await self._bare_read())
        finally:
            if not self._beside:
                await topics.remove(self._bootstrap, self._mark)
        conditions = self._conditions(rounds, reads)
        sound = [one for one in chosen if one.name not in self.failures]
        results = [_result(one, figures[one.name], statistics.median(reads), conditions) for one in sound]
        bare = next((result.figure for result in results if result.name == "stream-limit"), None)
        for result in results:
            if bare is not None and result.name == "stream-ours-scoring":
                result.detail["share_of_the_bare_limit"] = round(result.figure / bare, 3)
                say.print(f"ours-scoring is at {result.figure / bare:.0%} of the bare limit (goal: 60 %)")
            result.write()
        return results

    async def _turn(self, one: Engine, number: int, figures: list[Figure]) -> None:
        name = f"{self._mark}-{one.name}-{number}"
        folder = self._folder / name
        folder.mkdir()
        job = Job(
            name, self._bootstrap, self._topic, f"{name}-out", self._partitions, self._workload, folder, self._portion
        )
        try:
            await topics.create(self._bootstrap, [job.output], self._partitions)
            figure = await turn(one, job, self._beside, self._expected)
        except EngineError as error:
            self.failures[one.name] = str(error)
            say.print(f"[red]{one.name} failed[/]:", Text(str(error)))
            return
        figures.append(figure)
        if one.name == "ours-scoring":
            self._portion = round(figure.counted / max(1, figure.commits_counted))
        say.print(f"{one.name}: {figure.events_per_second:,.0f} events/s, result checked")
        # What a peer leaves behind must not burden the next one: changelogs, its output, its state.
        await topics.remove(self._bootstrap, job.name)
        shutil.rmtree(folder)

    async def _bare_read(self) -> int:
        """Events per second of a reader that does nothing with them."""
        async with topics.reader(self._bootstrap, self._topic, self._partitions) as consumer:
            started, read = time.perf_counter(), 0
            while read < self._workload.events:
                read += sum(map(len, (await consumer.getmany(timeout_ms=1_000)).values()))
            return round(read / (time.perf_counter() - started))

    def _conditions(self, rounds: int, reads: list[int]) -> dict[str, object]:
        ours = f"Kafka {kafka_version()}, one node, heap {_HEAP_MB} MiB"
        return {
            "events": self._workload.events, "customers": self._workload.customers, "seed": self._workload.seed,
            "partitions": self._partitions, "rounds": rounds, "warm_up_share": WARM_UP_SHARE,
            "thresholds_minor": THRESHOLDS_MINOR, "cores": os.cpu_count(), "bare_reads": reads,
            "broker": ours if self._beside else "a broker that ran already",
        }  # fmt: skip


def _result(one: Engine, figures: list[Figure], limit: float, conditions: dict[str, object]) -> Result:
    figure = statistics.median(figure.events_per_second for figure in figures)
    return Result(
        name=f"stream-{one.name}",
        figure=round(figure),
        limit_or_peer=round(limit),
        ratio=round(figure / limit, 3),
        goal="none: a peer to be measured against",
        reached=True,
        unit="events/s",
        against="aiokafka reading the same topic and doing nothing, before and after",
        detail={
            "settings": dict(one.settings),
            "conditions": conditions,
            "checked": True,
            "turns": [asdict(figure) for figure in figures],
        },
    )


def _table(results: list[Result]) -> Table:
    table = Table(title="events per second on the same job, each result checked", title_justify="left")
    for heading in (
        "engine",
        "events/s",
        "engine CPU µs/event",
        "engine RSS MiB",
        "PostgreSQL CPU µs/event",
        "broker CPU µs/event",
        "others",
    ):
        table.add_column(heading)
    for result in results:
        turns = result.detail["turns"]
        assert isinstance(turns, list)
        last = turns[-1]
        cpu = last["cpu_us_per_event"]
        cells = (cpu.get("engine"), last["peak_rss_mib"].get("engine"), cpu.get("postgres", ""))
        broker = cpu.get("broker", "")
        others = f"{last['others_share']:.0%}"
        name = result.name.removeprefix("stream-")
        table.add_row(name, f"{result.figure:,.0f}", *map(str, (*cells, broker)), others)
    return table


if __name__ == "__main__":
    end_as_by_ctrl_c()
    typer.run(run)
