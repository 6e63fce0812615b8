"""Where an event is now, how the log stands, and business days."""

from datetime import timedelta

import pytest

from tests.integration.events.conftest import EventsService, problem
from tests.integration.events.samples import NOW, batch, encoded, event
from tests.integration.events.test_letters import accept, report
from tierflow_shared.bus.port import TopicPartition

pytestmark = pytest.mark.anyio

EVENTS = "/events/v1/events"


async def test_an_accepted_event_is_found_by_source_and_id(events: EventsService) -> None:
    position = await accept(events)
    answer = await events.http.get(f"{EVENTS}/%2Fcore-banking/E-1")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "source": "/core-banking",
        "id": "E-1",
        "position": position._asdict(),
        "groups": {},
        "dead_letters": [],
    }


@pytest.mark.parametrize(
    ("source", "event_id", "path"),
    [
        ("/a/b", "x", "/a/b/x"),
        ("urn:bank:ledger", "x/y", "urn:bank:ledger/x%2Fy"),
        ("https://bank.example/l?x=1#f", "1%2", "https:%2F%2Fbank.example/l%3Fx=1%23f/1%252"),
    ],
)
async def test_slashes_and_signs_in_names_are_kept_apart(
    events: EventsService, source: str, event_id: str, path: str
) -> None:
    await events.send(encoded(event(source=source, id=event_id)))
    answer = await events.http.get(f"{EVENTS}/{path}")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["source"], answer.json()["id"]) == (source, event_id)


async def test_groups_that_read_the_partition_show_whether_they_have_passed(events: EventsService) -> None:
    position = await accept(events)
    here = TopicPartition(position.topic, position.partition)
    await events.mirror("scoring", {here: position.offset + 1})
    await events.mirror("suitability", {here: position.offset})
    groups = (await events.http.get(f"{EVENTS}/%2Fcore-banking/E-1")).json()["groups"]
    assert groups == {
        "scoring": {"position": position.offset + 1, "passed": True},
        "suitability": {"position": position.offset, "passed": False},
    }


async def test_dead_letters_about_the_event_are_shown_with_it(events: EventsService) -> None:
    letter_id = await report(events, await accept(events))
    found = (await events.http.get(f"{EVENTS}/%2Fcore-banking/E-1")).json()
    assert [letter["id"] for letter in found["dead_letters"]] == [letter_id]


async def test_an_event_that_never_came_is_404(events: EventsService) -> None:
    answer = await events.http.get(f"{EVENTS}/%2Fcore-banking/E-404")
    assert answer.status_code == 404
    assert problem(answer)["detail"] == "no such event"


async def test_the_log_shows_offsets_and_lag(events: EventsService) -> None:
    position = await accept(events)
    await accept(events, 2)
    await events.mirror("scoring", {TopicPartition(position.topic, position.partition): 1})
    topics = (await events.http.get("/events/v1/log")).json()["topics"]
    partition = topics["bank.events"][position.partition]
    assert partition == {
        "partition": position.partition,
        "earliest": 0,
        "end": 2,
        "groups": {"scoring": 1},
        "lag": {"scoring": 1},
    }


async def test_progress_counts_what_the_service_consumed(events: EventsService) -> None:
    await report(events, await accept(events))
    progress = (await events.http.get("/events/v1/progress")).json()
    assert progress["consumption"]["tierflow.dead-letter.recorded.v1"]["applied"] == 1
    assert progress["outbox"] == 0


async def test_a_business_date_reaches_every_partition_once_and_behind_the_events(events: EventsService) -> None:
    await events.send(batch(*(event(n) for n in range(5))), content_type="application/cloudevents-batch+json")
    first = await events.http.post("/events/v1/business-date", json={"business_date": "2024-06-15"})
    again = await events.http.post("/events/v1/business-date", json={"business_date": "2024-06-15"})
    assert (first.json()["advanced"], again.json()["advanced"]) == (True, False)
    records = await events.on_log("bank.events")
    advances = [r for r in records if r.type == "tierflow.business-date.advanced.v1"]
    assert sorted(r.partition for r in advances) == [0, 1, 2, 3]
    assert {r.value for r in advances} == {b'{"business_date":"2024-06-15"}'}
    for advance in advances:
        assert advance.offset == max(r.offset for r in records if r.partition == advance.partition)


async def test_a_closed_day_is_not_opened_again(events: EventsService) -> None:
    await events.http.post("/events/v1/business-date", json={"business_date": "2024-06-15"})
    answer = await events.http.post("/events/v1/business-date", json={"business_date": "2024-06-14"})
    assert answer.status_code == 409
    assert problem(answer)["errors"][0]["field"] == "body.business_date"


async def test_a_day_that_has_not_ended_cannot_be_closed(events: EventsService) -> None:
    ahead = (NOW + timedelta(days=2)).date().isoformat()
    answer = await events.http.post("/events/v1/business-date", json={"business_date": ahead})
    assert answer.status_code == 422
    assert problem(answer)["errors"][0]["rule"] == "not-in-future"


async def test_schemas_are_served_by_type(events: EventsService) -> None:
    types = (await events.http.get("/events/v1/schemas")).json()["types"]
    assert "bank.kyc.updated.v1" in types
    schema = (await events.http.get("/events/v1/schemas/bank.kyc.updated.v1")).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (await events.http.get("/events/v1/schemas/bank.nothing.v1")).status_code == 404


async def test_health_says_ready_only_while_the_log_answers(events: EventsService) -> None:
    assert (await events.http.get("/livez")).status_code == 200
    assert (await events.http.get("/events/readyz")).status_code == 200
    events.app.state.health.draining = True
    answer = await events.http.get("/readyz")
    assert answer.status_code == 503
    assert problem(answer)["missing"] == ["shutdown"]


async def test_metrics_count_events_by_type_and_outcome(events: EventsService) -> None:
    await events.send(batch(event(1), event(1)), content_type="application/cloudevents-batch+json")
    metrics = (await events.http.get("/events/metrics")).text
    for outcome in ("accepted", "duplicate"):
        labels = f'outcome="{outcome}",service="events",type="bank.transaction.posted.v1"'
        assert f"tierflow_ingest_events_total{{{labels}}} 1.0" in metrics
