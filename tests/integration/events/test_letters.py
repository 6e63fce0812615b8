"""Dead letters of all services: collected from the log, listed without content, sent again once."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.events.conftest import EventsService, problem
from tests.integration.events.samples import NOW, encoded, event, transaction
from tierflow_shared.bus.port import Position, TopicPartition
from tierflow_shared.cloudevents import outgoing_message
from tierflow_shared.contracts.outcomes import DeadLetter

pytestmark = pytest.mark.anyio

PATH = "/events/v1/dead-letters"


async def accept(events: EventsService, number: int = 1, customer: str = "C-1") -> Position:
    """Sends an event; returns where it lies."""
    answer = await events.send(encoded(event(number, data=transaction(number, customer))))
    line = answer.json()["results"][0]
    return Position(line["topic"], line["partition"], line["offset"])


async def report(events: EventsService, position: Position, number: int = 1, **changes: Any) -> str:
    """Another service reports that it could not take the message there; returns the letter's id."""
    letter_id = f"dl-{number}"
    fields: dict[str, Any] = {
        "dead_letter_id": letter_id,
        "service": "scoring",
        "key": "C-1",
        "event_id": f"E-{number}",
        "event_source": "/core-banking",
        "event_type": "bank.transaction.posted.v1",
        "reason": "no-account",
        "detail": "the account was never opened",
        "occurred_at": NOW + timedelta(seconds=number),
        **position._asdict(),
        **changes,
    }
    letter = DeadLetter(**fields)
    await events.bus.publish([outgoing_message(letter, event_id=letter_id, service="scoring", now=NOW)])
    await events.eventually(f"{PATH}/{letter_id}", lambda answer: answer.status_code == 200)
    return letter_id


async def test_a_reported_dead_letter_can_be_read_and_carries_no_content(events: EventsService) -> None:
    position = await accept(events)
    letter_id = await report(events, position)
    letter = (await events.http.get(f"{PATH}/{letter_id}")).json()
    assert letter == {
        "id": letter_id,
        "service": "scoring",
        **position._asdict(),
        "key": "C-1",
        "event_id": "E-1",
        "event_source": "/core-banking",
        "event_type": "bank.transaction.posted.v1",
        "reason": "no-account",
        "detail": "the account was never opened",
        "occurred_at": "2024-06-15T12:00:01Z",
        "replay_of": None,
        "first": None,
        "replay": None,
        "content": {
            "state": "on-log",
            "fields": [
                {"name": f"data.{name}", "kind": "text"}
                for name in (
                    "transaction_id", "customer_id", "account_id", "amount.value", "amount.currency", "direction",
                    "booking_date", "channel", "purpose",
                )
            ],
            "fault": None,
        },
    }  # fmt: skip


async def test_pages_bring_each_letter_once_newest_first(events: EventsService) -> None:
    position = await accept(events)
    for number in range(1, 6):
        await report(events, position, number)
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await events.http.get(PATH, params=query)).json()
        seen += [letter["id"] for letter in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["dl-5", "dl-4", "dl-3", "dl-2", "dl-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"service": "scoring"}, ["dl-1"]),
        ({"reason": "no-rate"}, ["dl-2"]),
        ({"customer": "C-7"}, ["dl-2"]),
        ({"type": "bank.kyc.updated.v1"}, ["dl-2"]),
        ({"from": "2024-06-15T12:00:02Z"}, ["dl-2"]),
        ({"to": "2024-06-15T12:00:02Z"}, ["dl-1"]),
        ({"from": "2024-06-15T14:00:01+02:00", "to": "2024-06-15T12:00:03Z"}, ["dl-2", "dl-1"]),
    ],
)
async def test_filters_leave_only_what_was_asked_for(
    events: EventsService, query: dict[str, str], expected: list[str]
) -> None:
    position = await accept(events)
    await report(events, position, 1)
    await report(
        events, position, 2, service="suitability", reason="no-rate", key="C-7", event_type="bank.kyc.updated.v1"
    )
    items = (await events.http.get(PATH, params=query)).json()["items"]
    assert [letter["id"] for letter in items] == expected


async def test_replay_sends_the_same_message_again_once_and_says_who_did_it(events: EventsService) -> None:
    letter_id = await report(events, await accept(events, customer="C-5"), key="C-5")
    first = (await events.http.post(f"{PATH}/{letter_id}/replay")).json()
    second = (await events.http.post(f"{PATH}/{letter_id}/replay")).json()
    assert first == second
    assert first["replay"]["by"] == "tester"
    original, again = await events.on_log("bank.events")
    assert (original.key, original.value) == (again.key, again.value)
    assert again.headers == (*original.headers, ("ce_deadletter", letter_id.encode()))
    assert again.offset == first["replay"]["offset"]


async def test_an_event_that_was_refused_before_the_log_cannot_be_replayed(events: EventsService) -> None:
    await accept(events)
    await events.send(encoded(event(1, data=transaction(1, direction="debit"))))
    letter = (await events.http.get(PATH)).json()["items"][0]
    answer = await events.http.post(f"{PATH}/{letter['id']}/replay")
    assert answer.status_code == 409
    assert problem(answer)["code"] == "not-replayable"


async def test_a_message_that_retention_removed_cannot_be_replayed(events: EventsService) -> None:
    position = await accept(events)
    letter_id = await report(events, position)
    await accept(events, 2)
    await events.bus.trim(TopicPartition(position.topic, position.partition), position.offset + 1)
    answer = await events.http.post(f"{PATH}/{letter_id}/replay")
    assert answer.status_code == 409


async def test_unknown_letters_are_404(events: EventsService) -> None:
    assert (await events.http.get(f"{PATH}/dl-none")).status_code == 404
    assert (await events.http.post(f"{PATH}/dl-none/replay")).status_code == 404


async def test_replay_needs_its_own_scope(events: EventsService) -> None:
    reader = {"authorization": f"Bearer {events.token('dead-letters:read')}"}
    answer = await events.http.post(f"{PATH}/dl-1/replay", headers=reader)
    assert answer.status_code == 403
    assert problem(answer)["scope"] == "dead-letters:replay"
