"""`python -m bench.streaming`: every engine in turn on one topic; a table, and `var/bench/stream-<engine>.json`."""

import asyncio
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.result import Result
from bench.streaming import topics
from bench.streaming.engine import Engine, Job
from bench.streaming.measure import WARM_UP_SHARE, Figure, turn
from bench.streaming.peers import all_peers
from bench.streaming.workload import THRESHOLDS_MINOR, Standing, Workload
from tierflow_stack.kafka import ForeignBroker, KafkaBroker, kafka
from tierflow_stack.kafka_files import kafka_version

_HEAP_MB = 1024
_WORK = Path("var/bench/streaming")
say = Console(stderr=True)


def engines() -> list[Engine]:
    """Whatever can be measured, in order."""
    return [*all_peers()]


def run(
    events: Annotated[int, typer.Option(help="postings on the topic")] = 1_000_000,
    customers: Annotated[int, typer.Option(help="customers they fall on")] = 20_000,
    partitions: Annotated[int, typer.Option(help="partitions of the topics")] = 4,
    rounds: Annotated[int, typer.Option(help="turns of every engine, one after the other; the median counts")] = 1,
    engine: Annotated[str, typer.Option(help="names, separated by commas; all without")] = "",
    seed: int = 1,
) -> None:
    """Measures and checks every engine on the same job."""
    known = {one.name: one for one in engines()}
    names = [name for name in engine.split(",") if name] or list(known)
    if unknown := set(names) - known.keys():
        raise typer.BadParameter(f"no such engine: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in names]
    for one in chosen:
        say.print(f"preparing {one.name}")
        one.prepare()
    _WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=_WORK.absolute(), prefix="run-"))
    with kafka(folder / "kafka", heap_mb=_HEAP_MB) as broker:
        results = asyncio.run(_measure(chosen, broker, Workload(events, customers, seed), partitions, rounds, folder))
    shutil.rmtree(folder)
    Console().print(_table(results))


async def _measure(
    chosen: Sequence[Engine],
    broker: KafkaBroker | ForeignBroker,
    workload: Workload,
    partitions: int,
    rounds: int,
    folder: Path,
) -> list[Result]:
    mark = f"bench-{os.getpid()}-{time.monotonic_ns()}"
    topic = f"{mark}-postings"
    beside = {"broker": broker.pid} if isinstance(broker, KafkaBroker) and broker.pid else {}
    expected = workload.expected()
    try:
        started = time.perf_counter()
        await topics.create(broker.bootstrap, [topic], partitions)
        await topics.fill(broker.bootstrap, topic, partitions, workload)
        say.print(f"{workload.events:,} events written in {time.perf_counter() - started:.1f} s")
        limits = [await _bare_read(broker.bootstrap, topic, partitions, workload.events)]
        figures: dict[str, list[Figure]] = {one.name: [] for one in chosen}
        for number in range(rounds):
            for one in chosen:
                name = f"{mark}-{one.name}-{number}"
                job = Job(name, broker.bootstrap, topic, f"{name}-out", partitions, workload, folder / name)
                job.folder.mkdir()
                figure = await _turn(one, job, beside, expected)
                figures[one.name].append(figure)
                say.print(f"{one.name}: {figure.events_per_second:,.0f} events/s, result checked")
        limits.append(await _bare_read(broker.bootstrap, topic, partitions, workload.events))
    finally:
        await topics.remove(broker.bootstrap, mark)
    conditions = {
        "events": workload.events, "customers": workload.customers, "seed": workload.seed, "partitions": partitions,
        "rounds": rounds, "warm_up_share": WARM_UP_SHARE, "thresholds_minor": THRESHOLDS_MINOR,
        "cores": os.cpu_count(), "bare_read_rounds": limits,
        "broker": f"Kafka {kafka_version()}, one node, heap {_HEAP_MB} MiB" if beside else "a broker that ran already",
    }  # fmt: skip
    results = [_result(one, figures[one.name], statistics.median(limits), conditions) for one in chosen]
    for result in results:
        result.write()
    return results


async def _turn(one: Engine, job: Job, beside: dict[str, int], expected: dict[str, Standing]) -> Figure:
    await topics.create(job.bootstrap, [job.output], job.partitions)
    figure = await turn(one, job, beside, expected)
    # What a peer leaves behind must not burden the next one: changelogs, its output, its state.
    await topics.remove(job.bootstrap, job.name)
    shutil.rmtree(job.folder)
    return figure


async def _bare_read(bootstrap: str, topic: str, partitions: int, events: int) -> int:
    """Events per second of a reader that does nothing with them."""
    async with topics.reader(bootstrap, topic, partitions) as consumer:
        started, read = time.perf_counter(), 0
        while read < events:
            read += sum(map(len, (await consumer.getmany(timeout_ms=1_000)).values()))
        return round(events / (time.perf_counter() - started))


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
    for heading in ("engine", "events/s", "engine CPU µs/event", "engine RSS MiB", "broker CPU µs/event"):
        table.add_column(heading)
    for result in results:
        turns = result.detail["turns"]
        assert isinstance(turns, list)
        last = turns[-1]
        cells = (last["cpu_us_per_event"].get("engine"), last["peak_rss_mib"].get("engine"))
        broker = last["cpu_us_per_event"].get("broker", "")
        table.add_row(result.name.removeprefix("stream-"), f"{result.figure:,.0f}", *map(str, (*cells, broker)))
    return table


def _ended(_number: int, _frame: object) -> None:
    sys.exit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended)
    typer.run(run)
