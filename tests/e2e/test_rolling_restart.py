"""Each service is restarted, replica by replica, while its callers go on; behind a gateway nobody notices."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx
from bench import stream

from tests.e2e.gateway import Callers
from tests.e2e.production import Production, production, until
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.web.client import SERVICES, ApiClient
from tierflow_stack.free_ports import free_port

CUSTOMERS: Final = 60
POSTED: Final = "bank.transaction.posted.v1"


class Second:
    """Another replica of a service, started as the page on operating says."""

    def __init__(self, operated: Production, service: str) -> None:
        self._operated, self._service = operated, service
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = f"serve --service {self._service} --port {self.port}"
        script = f". var/stack/service.env; export TIERFLOW_KAFKA_INSTANCE_ID=second; exec tierflow {words}"
        with (self._operated.home / f"{self._service}-second.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", script], cwd=self._operated.home, env=self._operated.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until(lambda: is_ready(self.url), f"the second {self._service} is not ready", 90)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(timeout=60) in (0, -signal.SIGTERM), "it had to be killed"
            self._process = None


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=3, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def seconds_of(operated: Production) -> Iterator[dict[str, Second]]:
    """A second replica of each service, ready."""
    found = {service: Second(operated, service) for service in SERVICES}
    with ExitStack() as stack:
        for one in found.values():
            stack.callback(one.stop)
            one.start()
        yield found


def first_url(operated: Production, service: str) -> str:
    return next(word for word in operated.status()[service].split() if word.startswith("http://"))


def applied(client: ApiClient) -> int:
    return int(client.get("/scoring/v1/progress")["consumption"].get(POSTED, {}).get("applied", 0))


def test_a_rolling_restart_of_each_service_under_load() -> None:
    """Nothing fails, what was accepted took effect once, the lag is 0 again; with one replica alone requests fail."""
    with production() as operated:
        operated.stack("up")
        with operated.client() as client, seconds_of(operated) as seconds:
            token = operated.tierflow("token --subject gateway --scope all").strip().splitlines()[-1]
            for body in stream.bodies(iter([*stream.book(CUSTOMERS), stream.product()]), 200):
                client.post("/events/v1/events", body, content_type=stream.BATCH_TYPE)
            wait_for_services(client, limit_s=60)
            firsts = {service: first_url(operated, service) for service in SERVICES}
            pids = {service: operated.pid(service) for service in SERVICES}
            both = {service: [firsts[service], seconds[service].url] for service in SERVICES}
            with Callers(both, token, CUSTOMERS) as callers:
                for service in SERVICES:
                    operated.stack(f"restart {service}")
                    seconds[service].stop()
                    seconds[service].start()
            assert callers.failures == {}
            assert set(callers.answers) == {"events", "tiers", "plans", "sales"}
            assert callers.closed > 0, "no connection was closed: nothing was restarted under load"
            assert all(operated.pid(service) != pid for service, pid in pids.items())
            wait_for_services(client, limit_s=60)
            assert applied(client) == len(callers.accepted) > 0

            with Callers({service: [url] for service, url in firsts.items()}, token, CUSTOMERS) as control:
                operated.stack("restart scoring")
            assert control.failures.get("tiers"), "control: a restart of the only replica is noticed"


def test_control_a_refused_connection_is_tried_elsewhere_once() -> None:
    """Two addresses at which nobody listens: the gateway gives up after the second."""
    nobody = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    with Callers(dict.fromkeys(SERVICES, nobody), "none", 1) as callers:
        until(lambda: len(callers.answers) == 4 and all(callers.answers.values()), "nobody asked")
    assert set(callers.failures) == {"events", "tiers", "plans", "sales"}
    assert callers.closed >= 2 * callers.requests > 0
