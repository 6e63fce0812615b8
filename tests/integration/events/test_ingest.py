"""Events come in by every CloudEvents mode and lie on the log byte for byte."""

import asyncio

import pytest

from tests.integration.events.conftest import BATCHED, EventsService, problem
from tests.integration.events.samples import batch, encoded, event, transaction

pytestmark = pytest.mark.anyio


async def test_a_structured_event_lies_on_the_log_as_it_was_sent(events: EventsService) -> None:
    data = encoded(transaction(customer="C-9")).replace(b'", "', b'" ,"').replace(b"1200.50", b"1.5")
    body = encoded(event(data="DATA")).replace(b'"DATA"', data)
    answer = await events.send(body)
    assert answer.status_code == 202, answer.text
    (record,) = await events.on_log("bank.events")
    assert record.value == data
    assert record.key == "C-9"
    assert {name: value.decode() for name, value in record.headers} == {
        "ce_specversion": "1.0",
        "ce_id": "E-1",
        "ce_source": "/core-banking",
        "ce_type": "bank.transaction.posted.v1",
        "ce_time": "2024-06-14T09:00:00Z",
        "content-type": "application/json",
    }


async def test_a_batch_is_accepted_in_order_and_each_position_is_said(events: EventsService) -> None:
    answer = await events.send(batch(*(event(n) for n in range(20))), content_type=BATCHED)
    assert answer.status_code == 202
    document = answer.json()
    assert (document["accepted"], document["duplicates"]) == (20, 0)
    records = {(r.partition, r.offset): r.header("ce_id") for r in await events.on_log("bank.events")}
    assert [records[line["partition"], line["offset"]] for line in document["results"]] == [f"E-{n}" for n in range(20)]


async def test_binary_mode_takes_attributes_from_headers(events: EventsService) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "E%2D7",
        "ce-source": "/core-banking",
        "ce-type": "bank.transaction.posted.v1",
        "ce-time": "2024-06-14T11:00:00+02:00",
        "ce-subject": "C-1",
    }
    answer = await events.send(encoded(transaction()), content_type="application/json", **headers)
    assert answer.status_code == 202, answer.text
    (record,) = await events.on_log("bank.events")
    assert record.header("ce_id") == "E-7"
    assert record.header("ce_time") == "2024-06-14T09:00:00Z"
    assert record.header("ce_subject") == "C-1"


async def test_the_trace_of_the_request_travels_with_the_event(events: EventsService) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await events.send(encoded(event()), traceparent=traceparent)
    (record,) = await events.on_log("bank.events")
    assert record.header("traceparent") == traceparent


async def test_the_same_event_again_is_a_duplicate_at_the_first_position(events: EventsService) -> None:
    first = (await events.send(encoded(event()))).json()["results"][0]
    again = await events.send(encoded(event()))
    assert again.status_code == 202
    assert again.json() == {"accepted": 0, "duplicates": 1, "results": [{**first, "status": "duplicate"}]}
    assert len(await events.on_log("bank.events")) == 1


async def test_an_id_twice_in_one_batch_counts_once(events: EventsService) -> None:
    answer = await events.send(batch(event(1), event(1), event(2)), content_type=BATCHED)
    assert answer.status_code == 202
    assert [line["status"] for line in answer.json()["results"]] == ["accepted", "duplicate", "accepted"]
    assert len(await events.on_log("bank.events")) == 2


async def test_other_content_under_a_known_id_is_refused_and_kept_as_a_dead_letter(events: EventsService) -> None:
    await events.send(encoded(event()))
    answer = await events.send(encoded(event(data=transaction(direction="debit"))))
    assert answer.status_code == 409
    assert problem(answer)["results"][0]["status"] == "refused"
    letters = (await events.http.get("/events/v1/dead-letters")).json()["items"]
    assert [(letter["reason"], letter["event_id"]) for letter in letters] == [("content-conflict", "E-1")]
    assert len(await events.on_log("bank.events")) == 1


async def test_good_events_of_a_bad_batch_stay_accepted(events: EventsService) -> None:
    bad = event(2, data=transaction(2, direction="sideways"))
    answer = await events.send(batch(event(1), bad, event(3)), content_type=BATCHED)
    assert answer.status_code == 422
    document = problem(answer)
    assert (document["accepted"], document["refused"]) == (2, 1)
    assert [line["status"] for line in document["results"]] == ["accepted", "refused", "accepted"]
    assert document["errors"] == [
        {"field": "1.data.direction", "rule": "enum", "message": "not one of the allowed values"}
    ]
    assert sorted(r.header("ce_id") for r in await events.on_log("bank.events")) == ["E-1", "E-3"]


async def test_requests_at_the_same_time_never_accept_an_event_twice(events: EventsService) -> None:
    bodies = [batch(*(event(n) for n in range(start, start + 10))) for start in range(0, 40, 5)]
    answers = await asyncio.gather(*(events.send(body, content_type=BATCHED) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 45
    assert len(await events.on_log("bank.events")) == 45


async def test_a_log_that_is_down_means_503_and_nothing_accepted_until_it_is_back(events: EventsService) -> None:
    events.bus.is_off = True
    answer = await events.send(batch(event(1), event(2)), content_type=BATCHED)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert problem(answer)["accepted"] == 0
    events.bus.is_off = False
    again = await events.send(batch(event(1), event(2)), content_type=BATCHED)
    assert again.json()["accepted"] == 2
