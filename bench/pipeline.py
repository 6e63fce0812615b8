"""Events per second through ingest, scoring and planner in one process, beside SQLite's own limit."""

import statistics
import tempfile
import time
from pathlib import Path

import httpx

from bench import limit, load, server, stream, waiting
from bench.result import Result
from tierflow_stack.free_ports import free_port

EVENTS = 200_000
CUSTOMERS = 20_000
DAYS = 4
BATCH = 500
CONNECTIONS = 8
TAKEN_LIMIT_S = 300.0
GOAL_PER_SECOND = 10_000
GOAL_RATIO = 0.35
GROUPS = ("scoring", "contact-planner", "suitability")


def measure() -> Result:
    """One run: the book and its first tiers (not timed), then transactions until every service has taken them all."""
    with tempfile.TemporaryDirectory(prefix="tierflow-bench-") as name:
        folder, port = Path(name) / "data", free_port()
        folder.mkdir()
        token = server.token(folder, "core-banking")
        url = f"http://127.0.0.1:{port}"
        with server.process(server.tierflow(folder, port), f"{url}/readyz", Path(name) / "server.log") as ours:
            client = httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
            )
            for events in (stream.book(CUSTOMERS), stream.opening_balances(CUSTOMERS, seed=0)):
                send(port, token, list(stream.bodies(events, BATCH)))
            client.post("/events/v1/business-date", json={"business_date": stream.FIRST_DAY.isoformat()})
            wait_until_taken(client)
            before = effects(client)
            bodies = list(stream.bodies(stream.transactions(EVENTS, CUSTOMERS, DAYS, seed=1), BATCH))
            started, cpu_before = time.perf_counter(), server.cpu_seconds(ours.pid)
            ingest = send(port, token, bodies)
            wait_until_taken(client)
            seconds, cpu = time.perf_counter() - started, server.cpu_seconds(ours.pid) - cpu_before
            applied, tiers = (now - earlier for now, earlier in zip(effects(client), before, strict=True))
        if applied != EVENTS:
            raise RuntimeError(f"{applied} of {EVENTS} events took effect")
        limits = limit.events_per_second(folder, Path(name), BATCH)
    figure, bare = EVENTS / seconds, statistics.median(limits)
    return Result(
        name="pipeline-embedded",
        figure=round(figure),
        limit_or_peer=round(bare),
        ratio=round(figure / bare, 3),
        goal=f">= {GOAL_PER_SECOND} events/s and >= {GOAL_RATIO:.0%} of the limit",
        reached=figure >= GOAL_PER_SECOND and figure / bare >= GOAL_RATIO,
        unit="events/s",
        against="SQLite alone, one file: the same records, index entries and buckets, durable every 500",
        detail={
            "events": EVENTS, "customers": CUSTOMERS, "business_days": DAYS, "batch": BATCH,
            "tier_messages_taken_by_the_planner": tiers,
            "ingest_alone_events_per_second": round(EVENTS / ingest.seconds),
            "limit_rounds": [round(one) for one in limits],
            "server_cpu_us_per_event": round(cpu / EVENTS * 1e6, 1),
        },
    )  # fmt: skip


def send(port: int, token: str, bodies: list[bytes]) -> load.Outcome:
    """Posts event batches; every one must be accepted whole."""
    requests = [load.request("/events/v1/events", b, token=token, content_type=stream.BATCH_TYPE) for b in bodies]
    return load.accepted(port, requests, CONNECTIONS, allowed={202})


def wait_until_taken(client: httpx.Client) -> None:
    """Returns when every service has read its topics to the end and has nothing left to say.

    Raises:
        TimeoutError: one has not within the limit; it is named.
    """
    waiting.until(lambda: [group for group in GROUPS if not _at_the_end(client, group)], TAKEN_LIMIT_S, look_s=0.02)


def _at_the_end(client: httpx.Client, service: str) -> bool:
    progress = client.get(f"/{service}/v1/progress").json()
    if progress["outbox"] or not progress["positions"]:
        return False
    ends = {
        f"{topic}/{partition['partition']}": partition["end"]
        for topic, partitions in client.get("/events/v1/log").json()["topics"].items()
        for partition in partitions
    }
    return all(ends[where] <= offset for where, offset in progress["positions"].items())


def effects(client: httpx.Client) -> tuple[int, int]:
    """Transactions that took effect in scoring, and tier messages that took effect in the planner."""
    tiers = (f"tierflow.tier.{kind}.v1" for kind in ("changed", "pending"))
    applied = consumed(client, "scoring", "bank.transaction.posted.v1")
    return applied, sum(consumed(client, "contact-planner", name) for name in tiers)


def consumed(client: httpx.Client, service: str, event_type: str) -> int:
    """How many events of a type took effect in a service."""
    counts = client.get(f"/{service}/v1/progress").json()["consumption"].get(event_type, {})
    return int(counts.get("applied", 0))
