"""What a gateway sees of two replicas of each service: it takes turns, and tries the other when a connection closes."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import httpx
from bench import stream

_ANSWER_LIMIT_S: Final = 30.0
_BATCH: Final = 20
_PAUSE_S: Final = 0.05  # a caller's pace: the machine is there for the replicas


class Gateway:
    """One client's way through the gateway, with connections that stay open. Each request goes to the next replica."""

    def __init__(self, replicas: Mapping[str, Sequence[str]], token: str) -> None:
        self._next = {service: itertools.cycle(urls) for service, urls in replicas.items()}
        self._http = httpx.Client(
            timeout=_ANSWER_LIMIT_S, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        )
        self.closed = 0

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> str:
        """The status, or the name of the transport's error when it failed at the second replica as well."""
        replicas = self._next[path.split("/")[1]]
        for _ in range(2):
            try:
                answer = self._http.request(method, next(replicas) + path, content=body, headers=headers)
            except httpx.TransportError as error:
                self.closed += 1
                what = type(error).__name__
            else:
                return str(answer.status_code)
        return what

    def close(self) -> None:
        self._http.close()


class Callers:
    """Clients on threads of their own that send events, ask for tiers and plans, and sell, until the block ends."""

    def __init__(self, replicas: Mapping[str, Sequence[str]], token: str, customers: int) -> None:
        self.answers: dict[str, Counter[str]] = {}
        self.closed = 0
        self.accepted: set[str] = set()
        self._replicas, self._token, self._customers = replicas, token, customers
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(name, asks), name=name)
            for name, asks in (
                ("events", self._events), ("tiers", self._tiers), ("plans", self._plans), ("sales", self._sales),
            )
        ]  # fmt: skip

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=2 * _ANSWER_LIMIT_S)

    @property
    def failures(self) -> dict[str, dict[str, int]]:
        """What was answered beside success, by caller."""
        bad = {name: {what: n for what, n in found.items() if what[0] != "2"} for name, found in self.answers.items()}
        return {name: found for name, found in bad.items() if found}

    @property
    def requests(self) -> int:
        return sum(found.total() for found in self.answers.values())

    def _call(self, name: str, asks: Callable[[Gateway], Iterator[str]]) -> None:
        gateway = Gateway(self._replicas, self._token)
        found = self.answers.setdefault(name, Counter())
        for answer in asks(gateway):
            found[answer] += 1
            if self._over.wait(_PAUSE_S):
                break
        self.closed += gateway.closed
        gateway.close()

    def _events(self, gateway: Gateway) -> Iterator[str]:
        bookings = stream.transactions(10**6, self._customers, 1, seed=7)
        for some in iter(lambda: list(itertools.islice(bookings, _BATCH)), []):
            answer = gateway.ask(
                "POST", "/events/v1/events", json.dumps(some).encode(), {"content-type": stream.BATCH_TYPE}
            )
            if answer == "202":
                self.accepted.update(str(one["id"]) for one in some)
            yield answer

    def _tiers(self, gateway: Gateway) -> Iterator[str]:
        for number in itertools.count():
            yield gateway.ask("GET", f"/scoring/v1/customers/c-{number % self._customers:07d}")

    def _plans(self, gateway: Gateway) -> Iterator[str]:
        for number in itertools.count():
            yield gateway.ask("GET", f"/contact-planner/v1/rms/rm-{number % 10}/plan?from=2026-03-02&to=2026-03-06")

    def _sales(self, gateway: Gateway) -> Iterator[str]:
        for number in itertools.count():
            headers = {"content-type": "application/json", "idempotency-key": f"rolling-{number}"}
            yield gateway.ask("POST", "/suitability/v1/sales", stream.sale(number % self._customers), headers)
