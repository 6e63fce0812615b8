"""Sending events: batches keep order and limits, and every event is counted exactly once."""

import httpx
import msgspec
import pytest

from tests.unit.embedded.fake_server import FakeServer, ok, problem
from tierflow_embedded.replay.feed import MAX_BATCH_BYTES, Feed, Outgoing


def _accept_all(request: httpx.Request) -> httpx.Response:
    events = msgspec.json.decode(request.content)
    return ok({"results": [{"id": event["id"], "status": "accepted"} for event in events]}, 202)


def _events(count: int, name: str = "trans") -> list[Outgoing]:
    return [Outgoing(name, b'{"id":"%d"}' % number) for number in range(count)]


def test_events_go_out_in_order_in_batches_of_the_wanted_size() -> None:
    server = FakeServer([_accept_all])
    sizes: list[int] = []
    feed = Feed(server.client(), batch_events=4, on_sent=sizes.append)
    feed.send_all(_events(10))
    sent = [event["id"] for request in server.requests for event in msgspec.json.decode(request.content)]
    assert sent == [str(number) for number in range(10)]
    assert sizes == [4, 4, 2]
    assert feed.counts.read == feed.counts.accepted == {"trans": 10}


def test_a_batch_never_outgrows_the_server_s_limit() -> None:
    server = FakeServer([_accept_all])
    large = b'{"id":"' + b"x" * 400_000 + b'"}'
    Feed(server.client(), batch_events=100).send_all([Outgoing("big", large)] * 5)
    assert len(server.requests) == 3
    assert all(len(request.content) <= MAX_BATCH_BYTES + 100 for request in server.requests)


def test_duplicates_are_accepted_and_counted_apart() -> None:
    results = [{"id": "0", "status": "duplicate"}, {"id": "1", "status": "accepted"}]
    feed = Feed(FakeServer([ok({"results": results}, 202)]).client(), batch_events=2)
    feed.send_all(_events(2))
    assert (feed.counts.accepted, feed.counts.duplicates) == ({"trans": 2}, {"trans": 1})


def test_a_half_bad_batch_counts_the_good_half_and_names_the_bad_one() -> None:
    bad = {"id": "1", "status": "refused", "errors": [{"field": "time", "rule": "x", "message": "is not a time"}]}
    reply = problem(422, results=[{"id": "0", "status": "accepted"}, bad])
    feed = Feed(FakeServer([reply]).client(), batch_events=2)
    feed.send_all(_events(2))
    assert feed.counts.accepted == {"trans": 1}
    assert feed.counts.refused == ["trans 1: time is not a time"]


def test_a_batch_whose_answer_was_lost_is_sent_again() -> None:
    server = FakeServer([httpx.ReadError("cut"), _accept_all])
    feed = Feed(server.client(), batch_events=3)
    feed.send_all(_events(3))
    assert feed.counts.accepted == {"trans": 3}
    assert server.requests[0].content == server.requests[1].content


@pytest.mark.parametrize("size", [0, 5_001])
def test_batch_sizes_have_limits(size: int) -> None:
    with pytest.raises(ValueError, match="batch"):
        Feed(FakeServer([ok({})]).client(), batch_events=size)
