"""How often one client may ask: by subject, by address without a token, in bounded memory."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.web.small_app import NOW, client, small_app
from tierflow_shared.clock import ManualClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.client_limits import Buckets, ClientLimits
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem

pytestmark = pytest.mark.anyio


class Hands:
    """A monotonic clock moved by hand."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    hands = Hands()
    buckets = Buckets(10, most=5, now=hands)
    assert [buckets.take("a") for _ in range(20)] == [0.0] * 20
    assert buckets.take("a") == pytest.approx(0.1)
    assert buckets.take("b") == 0.0
    hands.at += 0.1
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0
    hands.at += 3600
    assert [buckets.take("a") for _ in range(20)] == [0.0] * 20
    assert buckets.take("a") > 0


def test_what_is_refused_costs_nothing() -> None:
    hands = Hands()
    buckets = Buckets(1, most=5, now=hands)
    waits = [buckets.take("a") for _ in range(100)]
    assert waits[2:] == [pytest.approx(1.0)] * 98
    hands.at += 1
    assert buckets.take("a") == 0.0


def test_memory_is_bounded_and_the_most_silent_is_forgotten() -> None:
    buckets = Buckets(1, most=3, now=Hands())
    for name in ("a", "a", "a", "b", "c", "a", "d"):
        buckets.take(name)
    assert len(buckets) == 3
    assert buckets.take("a") > 0
    for number in range(10_000):
        buckets.take(str(number))
    assert len(buckets) == 3


def test_without_a_rate_there_is_no_limit_and_no_memory() -> None:
    buckets = Buckets(0, most=3)
    assert [buckets.take("a") for _ in range(10_000)] == [0.0] * 10_000
    assert len(buckets) == 0


def test_senders_of_events_have_a_limit_of_their_own_which_is_off() -> None:
    limits = ClientLimits.of(ServiceSettings(client_rate=1))
    sender = Principal("core-banking", frozenset())
    for _ in range(1000):
        limits.caller(sender, "events:write")
    limits.caller(sender, "events:read")
    limits.caller(sender, "events:read")
    with pytest.raises(Problem) as caught:
        limits.caller(sender, "events:read")
    assert caught.value.errors[0]["rule"] == "rate-of-client"


def limited(app: Any, **settings: float) -> None:
    app.state.client_limits = ClientLimits.of(ServiceSettings(**settings))


async def test_a_client_hears_429_and_when_to_come_again(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    app = small_app(tmp_path, clock)
    limited(app, client_rate=1)
    issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=tmp_path), clock)
    async with client(app, issuer.mint("anna", ["sales:read"], timedelta(hours=1))) as http:
        statuses = [(await http.get("/small/v1/numbers")).status_code for _ in range(3)]
        refused = await http.get("/small/v1/numbers")
    assert statuses == [200, 200, 429]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["errors"] == [
        {"field": "caller", "rule": "rate-of-client", "message": "this client asks too often; nothing was done"}
    ]
    async with client(app, issuer.mint("boris", ["sales:read"], timedelta(hours=1))) as http:
        assert (await http.get("/small/v1/numbers")).status_code == 200


async def test_strangers_are_limited_by_address_and_do_not_harm_callers(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    app = small_app(tmp_path, clock)
    limited(app, client_stranger_rate=1)
    issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=tmp_path), clock)
    async with client(app, "not.a.token") as http:
        statuses = [(await http.get("/small/v1/numbers")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    async with client(app, issuer.mint("anna", ["sales:read"], timedelta(hours=1))) as http:
        assert (await http.get("/small/v1/numbers")).status_code == 200
