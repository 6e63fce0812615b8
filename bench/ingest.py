"""Events per second into Kafka over HTTP: in batches for each core that is used, and one by one beside a no-op."""

import contextlib
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import load, server, stream
from bench.result import Result
from tierflow_stack.free_ports import free_port
from tierflow_stack.kafka import kafka
from tierflow_stack.postgres import DURABLE, database, temporary_cluster

BATCHED_EVENTS = 150_000
SINGLE_EVENTS = 8_000
CUSTOMERS = 20_000
BATCH = 500
CONNECTIONS = 8
SINGLE_CONNECTIONS = 64
ROUNDS = 3
GOAL_PER_CORE = 30_000
GOAL_RATIO = 0.50
SINGLE_TYPE = "application/cloudevents+json"


def measure_batches() -> Result:
    """The events service alone on Kafka and PostgreSQL; its processor time says what one core can take."""
    with _events_service() as (port, pid, token):
        bodies = list(stream.bodies(stream.transactions(BATCHED_EVENTS, CUSTOMERS, 4, seed=1), BATCH))
        requests = [load.request("/events/v1/events", b, token=token, content_type=stream.BATCH_TYPE) for b in bodies]
        per_second, per_core = [], []
        share = len(requests) // ROUNDS
        for number in range(ROUNDS):
            before = server.cpu_seconds(pid)
            outcome = load.accepted(port, requests[number * share : (number + 1) * share], CONNECTIONS)
            per_second.append(share * BATCH / outcome.seconds)
            per_core.append(share * BATCH / (server.cpu_seconds(pid) - before))
    figure = statistics.median(per_core)
    return Result(
        name="ingest-batches",
        figure=round(figure),
        limit_or_peer=GOAL_PER_CORE,
        ratio=round(figure / GOAL_PER_CORE, 3),
        goal=f">= {GOAL_PER_CORE} events for each second of processor time, batches of {BATCH}",
        reached=figure >= GOAL_PER_CORE,
        unit="events per core-second",
        against="the goal",
        detail={"rounds": per_core, "events_per_second_of_wall_time": per_second, "connections": CONNECTIONS},
    )


def measure_singles() -> Result:
    """One event a request, beside a FastAPI route that takes a body and does nothing; rounds in turn."""
    with _events_service() as (port, _, token), tempfile.TemporaryDirectory() as scratch:
        peer_port = free_port()
        with server.process(server.noop(peer_port), f"http://127.0.0.1:{peer_port}/docs", Path(scratch) / "peer.log"):
            events = stream.bodies(stream.transactions(SINGLE_EVENTS * ROUNDS, CUSTOMERS, 4, seed=2), 1)
            bodies = [body[1:-1] for body in events]
            ours, peers, bare = [], [], []
            for number in range(ROUNDS):
                some = bodies[number * SINGLE_EVENTS : (number + 1) * SINGLE_EVENTS]
                peers.append(_rate(peer_port, [load.request("/event", body) for body in some]))
                bare.append(_rate(peer_port, [load.request("/bare", body) for body in some]))
                requests = [
                    load.request("/events/v1/events", body, token=token, content_type=SINGLE_TYPE) for body in some
                ]
                ours.append(_rate(port, requests))
    figure, peer = statistics.median(ours), statistics.median(peers)
    return Result(
        name="ingest-singles",
        figure=round(figure),
        limit_or_peer=round(peer),
        ratio=round(figure / peer, 3),
        goal=f">= {GOAL_RATIO:.0%} of a FastAPI route that takes the same JSON and does nothing",
        reached=figure / peer >= GOAL_RATIO,
        unit="requests/s",
        against="FastAPI no-op with a JSON body, same server settings, rounds in turn",
        detail={
            "rounds_ours": ours, "rounds_peer": peers, "connections": SINGLE_CONNECTIONS,
            "a_route_that_does_not_read_its_body": statistics.median(bare),
        },
    )  # fmt: skip


def _rate(port: int, requests: list[bytes]) -> float:
    return load.accepted(port, requests, SINGLE_CONNECTIONS).requests_per_second


@contextlib.contextmanager
def _events_service() -> Iterator[tuple[int, int, str]]:
    """Port, process and a token of an events service on a broker and a database of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="tierflow-bench-") as name,
        kafka(Path(name) / "kafka") as broker,
        temporary_cluster(DURABLE) as cluster,
        database(cluster) as url,
    ):
        folder, port = Path(name) / "data", free_port()
        folder.mkdir()
        os.environ |= {"TIERFLOW_KAFKA_BOOTSTRAP": broker.bootstrap, "TIERFLOW_DATABASE_URL": url}
        try:
            command = [*server.tierflow(folder, port), "--service", "events"]
            ready = f"http://127.0.0.1:{port}/readyz"
            with server.process(command, ready, Path(name) / "server.log") as service:
                yield port, service.pid, server.token(folder, "core-banking")
        finally:
            del os.environ["TIERFLOW_KAFKA_BOOTSTRAP"], os.environ["TIERFLOW_DATABASE_URL"]
