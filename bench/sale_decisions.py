"""Sale decisions over HTTP per second, beside a FastAPI route that does nothing, in turns within one run."""

import statistics
import tempfile
from pathlib import Path

import httpx

from bench import load, server, stream
from bench.pipeline import send, wait_until_taken
from bench.result import Result
from tierflow_stack.free_ports import free_port

CUSTOMERS = 2_000
REQUESTS = 6_000
ROUNDS = 3
CONNECTIONS = 64
GOAL_RATIO = 0.40


def measure() -> Result:
    """Alternating rounds of the suitability service and of the peers; the medians are compared."""
    with tempfile.TemporaryDirectory(prefix="tierflow-bench-") as name:
        folder, port, peer_port = Path(name) / "data", free_port(), free_port()
        folder.mkdir()
        token = server.token(folder, "mobile-back-end")
        url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60)
        everything = server.tierflow(folder, port)
        with server.process(everything, f"{url}/readyz", Path(name) / "book.log"):
            prepare(client, port, token)
        with (
            server.process([*everything, "--service", "suitability"], f"{url}/readyz", Path(name) / "server.log") as me,
            server.process(server.noop(peer_port), f"{peer_url}/docs", Path(name) / "peer.log"),
        ):
            ours, peers, bare, cpu = [], [], [], []
            for number in range(ROUNDS):
                peers.append(_round(peer_port, [load.request("/noop", _sale(n)) for n in range(REQUESTS)]))
                sales = [_sale_request(token, number, n) for n in range(REQUESTS)]
                before = server.cpu_seconds(me.pid)
                ours.append(_round(port, sales))
                cpu.append((server.cpu_seconds(me.pid) - before) / REQUESTS * 1e6)
                bare.append(_round(peer_port, [load.request("/bare", _sale(n)) for n in range(REQUESTS)]))
            outcomes = client.get("/suitability/v1/decisions-digest").json()
    figure, peer = statistics.median(ours), statistics.median(peers)
    return Result(
        name="sale-decisions",
        figure=round(figure),
        limit_or_peer=round(peer),
        ratio=round(figure / peer, 3),
        goal=f">= {GOAL_RATIO:.0%} of a FastAPI route that takes the same body and does nothing",
        reached=figure / peer >= GOAL_RATIO,
        unit="requests/s",
        against="FastAPI no-op with the same declared body, same server settings, rounds in turn",
        detail={
            "rounds_ours": ours, "rounds_peer": peers, "connections": CONNECTIONS, "decisions": outcomes,
            "a_route_that_does_not_read_its_body": statistics.median(bare),
            "ratio_to_that_one": round(figure / statistics.median(bare), 3),
            "server_cpu_us_per_sale": round(statistics.median(cpu), 1),
        },
    )  # fmt: skip


def prepare(client: httpx.Client, port: int, token: str) -> None:
    """A book of customers with verified identity, and a product."""
    events = [*stream.book(CUSTOMERS), stream.product()]
    send(port, token, list(stream.bodies(iter(events), 500)))
    wait_until_taken(client)


def _sale(number: int) -> bytes:
    return stream.sale(number % CUSTOMERS)


def _sale_request(token: str, round_number: int, number: int) -> bytes:
    key = f"Idempotency-Key: k-{round_number}-{number}\r\n"
    return load.request("/suitability/v1/sales", _sale(number), token=token, extra=key)


def _round(port: int, requests: list[bytes]) -> float:
    return load.accepted(port, requests, CONNECTIONS).requests_per_second
