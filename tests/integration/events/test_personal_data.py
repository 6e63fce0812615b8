"""Personal fields are sealed at the door; everything the door promises about events still holds."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from tests.integration.events.conftest import BATCHED, EventsService, problem
from tests.integration.events.samples import batch, encoded, event, transaction
from tierflow_shared.bus.port import Message

pytestmark = pytest.mark.anyio

PERSON = {"name": "Jana Dvořáková", "birth_date": "1949-11-23", "phone": "+420 777 123 456"}


def profile(number: int = 1, customer: str = "C-1", **changes: Any) -> dict[str, Any]:
    data = {"customer_id": customer, "kind": "person", "personal": PERSON, **changes}
    return event(number, type="bank.customer.updated.v1", data=data)


async def values(events: EventsService, topic: str = "bank.events") -> list[bytes]:
    return [record.value for record in await events.on_log(topic)]


async def erase(events: EventsService, customer: str) -> dict[str, Any]:
    asks = {"authorization": f"Bearer {events.token('erasure:request', subject='desk')}"}
    confirms = {"authorization": f"Bearer {events.token('erasure:approve', subject='privacy')}"}
    body = {"customer_id": customer, "basis": "customer-request"}
    asked = (await events.http.post("/events/v1/erasures", json=body, headers=asks)).json()
    done = await events.http.post(f"/events/v1/erasures/{asked['id']}/confirm", headers=confirms)
    assert done.status_code == 200, done.text
    return dict(done.json())


async def test_the_log_holds_no_person(events: EventsService) -> None:
    """Empty where the fields were, sealed beside it; the rest as it came."""
    assert (await events.send(encoded(profile(occupation="doctor")))).status_code == 202
    (value,) = await values(events)
    assert not any(word.encode() in value for word in ("Jana", "1949", "777"))
    stored = json.loads(value)
    assert set(stored.pop("sealed")) == {"personal.name", "personal.birth_date", "personal.phone"}
    assert stored == {"customer_id": "C-1", "kind": "person", "personal": {}, "occupation": "doctor"}


async def test_duplicates_and_conflicts_are_told_apart_as_ever(events: EventsService) -> None:
    assert (await events.send(encoded(profile()))).json()["accepted"] == 1
    assert (await events.send(encoded(profile()))).json()["duplicates"] == 1
    other = {**PERSON, "name": "Jana Nováková"}
    assert problem(await events.send(encoded(profile(personal=other))))["code"] == "event-conflict"
    assert len(await values(events)) == 1


async def test_a_crash_between_log_and_index_leaves_two_equal_messages(events: EventsService) -> None:
    """The event is not known, so it is published again: in the same bytes, which readers drop as a duplicate."""
    await events.send(encoded(profile()))
    with events.database() as database, database.writing() as uow:
        uow.connection.execute(text("DELETE FROM event_index"))
    assert (await events.send(encoded(profile()))).json()["accepted"] == 1
    first, second = await values(events)
    assert first == second


async def test_an_ordinary_booking_passes_byte_for_byte(events: EventsService) -> None:
    """A bank's code is no person; words in its place may be one."""
    code, words = transaction(counterparty_bank="KOMBCZPP"), transaction(counterparty_bank="Jan Novák, Brno")
    await events.send(batch(event(1, data=code), event(2, data=words)), content_type=BATCHED)
    first, second = await values(events)
    assert first == encoded(code)
    assert "Novák".encode() not in second
    assert json.dumps("Novák")[1:-1].encode() not in second


async def test_a_sender_cannot_fill_the_seal(events: EventsService) -> None:
    refused = problem(await events.send(encoded(profile(sealed={"personal.name": "s1." + "A" * 40}))))
    assert refused["errors"][0]["rule"] == "reserved"


async def test_a_subject_that_is_not_the_key_stays_outside(events: EventsService) -> None:
    await events.send(encoded(event(1, subject="Jan-Novak")))
    await events.send(encoded(event(2, subject="C-1")))
    assert [record.header("ce_subject") for record in await events.on_log("bank.events")] == ["", "C-1"]


async def test_nothing_is_taken_while_the_keys_are_away(events: EventsService) -> None:
    """503, also for those of the batch that need no key; sent again, everything is taken."""
    with events.database() as database, database.writing() as uow:
        uow.connection.execute(text("ALTER TABLE customer_key RENAME TO away"))
    body = batch(event(1), profile(2))
    assert (await events.send(body, content_type=BATCHED)).status_code == 503
    assert await values(events) == []
    assert (await events.send(encoded(event(3)))).status_code == 202
    with events.database() as database, database.writing() as uow:
        uow.connection.execute(text("ALTER TABLE away RENAME TO customer_key"))
    assert (await events.send(body, content_type=BATCHED)).json()["accepted"] == 2


async def test_two_people_erase_a_third(events: EventsService) -> None:
    """The key goes with the message that says so; who did it stays."""
    await events.send(encoded(profile()))
    before = (await events.http.get("/events/v1/customers/C-1/personal-data")).json()
    assert before["events"][0]["data"]["personal"] == PERSON
    done = await erase(events, "C-1")
    assert (done["state"], done["requested_by"], done["confirmed_by"]) == ("done", "desk", "privacy")
    after = (await events.http.get("/events/v1/customers/C-1/personal-data")).json()
    assert set(after["events"][0]["data"]["personal"].values()) == {"(erased)"}
    assert (after["key_made_at"], after["erasures"]) == (None, [done])
    await events.eventually("/events/v1/progress", lambda answer: "tierflow.customer.erased.v1" in answer.text)
    (told,) = await values(events, "tierflow.erasures")
    assert json.loads(told)["customer_id"] == "C-1"
    assert problem(await events.send(encoded(profile(2))))["errors"][0]["rule"] == "erased"
    assert (await events.send(encoded(event(3)))).status_code == 202


async def test_nobody_erases_alone(events: EventsService) -> None:
    """Neither by confirming one's own request nor with one scope for both; unknown erasures are not found."""
    body = {"customer_id": "C-1", "basis": "authority-order"}
    asked = (await events.http.post("/events/v1/erasures", json=body)).json()
    path = f"/events/v1/erasures/{asked['id']}/confirm"
    assert problem(await events.http.post(path))["errors"][0]["rule"] == "four-eyes"
    asks_only = {"authorization": f"Bearer {events.token('erasure:request', subject='other')}"}
    assert (await events.http.post(path, headers=asks_only)).status_code == 403
    assert (await events.http.post("/events/v1/erasures/nobody/confirm")).status_code == 404
    assert (await events.http.get(f"/events/v1/erasures/{asked['id']}")).json()["state"] == "requested"


async def test_a_key_that_a_backup_brings_back_goes_again(events: EventsService) -> None:
    """The restored database reads the erasure once more; without that (the control) the person can be read again."""
    await events.send(encoded(profile()))
    kept = text("SELECT wrapped, kek_id FROM customer_key WHERE customer_id = 'C-1'")
    with events.database() as database, database.reading() as connection:
        wrapped, kek = connection.execute(kept).one()
    await erase(events, "C-1")
    await events.eventually("/events/v1/progress", lambda answer: "tierflow.customer.erased.v1" in answer.text)
    back = text("UPDATE customer_key SET wrapped = :w, kek_id = :k, erased_at_ms = NULL WHERE customer_id = 'C-1'")
    with events.database() as database, database.writing() as uow:
        uow.connection.execute(back, {"w": wrapped, "k": kek})
    shown = (await events.http.get("/events/v1/customers/C-1/personal-data")).json()
    assert shown["events"][0]["data"]["personal"] == PERSON, "the control"
    (record,) = await events.on_log("tierflow.erasures")
    await events.bus.publish([Message("tierflow.erasures", record.key, record.value, record.headers)])
    again = await events.eventually("/events/v1/customers/C-1/personal-data", lambda a: "Jana" not in a.text)
    assert "(erased)" in again.text


async def test_a_correction_is_sealed_anew(events: EventsService) -> None:
    """The fields that a dead letter's message has sealed are there for its correction, and sealed on the log again."""
    await events.send(encoded(profile(region="Brno 602 00")))
    (record,) = await events.on_log("bank.events")
    letter = {
        "dead_letter_id": "dl-1", "service": "suitability", "topic": record.topic, "partition": record.partition,
        "offset": record.offset, "key": "C-1", "event_id": "E-1", "event_source": "/core-banking",
        "event_type": "bank.customer.updated.v1", "reason": "bad-data", "detail": "-",
        "occurred_at": "2024-06-14T10:00:00Z",
    }  # fmt: skip
    headers = (*((name, value) for name, value in record.headers if name not in ("ce_type", "ce_id")),
               ("ce_type", b"tierflow.dead-letter.recorded.v1"), ("ce_id", b"dl-1"))  # fmt: skip
    await events.bus.publish([Message("tierflow.dead-letters", "C-1", encoded(letter), headers)])
    path = "/events/v1/dead-letters/dl-1"
    shown = await events.eventually(path, lambda answer: answer.status_code == 200)
    assert shown.json()["content"]["fault"] is None
    assert "Jana" not in shown.text
    fix = {"changes": {"personal": {"name": "Jana Nová"}, "occupation": "lawyer"}}
    answer = await events.http.post(f"{path}/fix", json=fix)
    assert answer.status_code == 200, answer.text
    corrected = (await values(events))[-1]
    assert "Nová".encode() not in corrected
    held = (await events.http.get("/events/v1/customers/C-1/personal-data")).json()["events"][-1]["data"]
    assert held["personal"] == {**PERSON, "name": "Jana Nová"}
    assert (held["region"], held["occupation"]) == ("Brno 602 00", "lawyer")
