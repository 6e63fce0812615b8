"""Dead letters in operation: looked at without values, replayed in bulk, corrected once, and what became of them."""

import json
from typing import Any

import pytest

from tests.integration.events.conftest import EventsService, problem
from tests.integration.events.samples import encoded, transaction
from tests.integration.events.test_letters import PATH, accept, report
from tierflow_events.adapters.letters import SqlLetters
from tierflow_events.handlers import fixing
from tierflow_shared.bus.port import BusUnavailableError, Message, Position, Record, TopicPartition
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.ids import new_id

pytestmark = pytest.mark.anyio

REPLAY = f"{PATH}/replay"


async def put_on_log(events: EventsService, event_type: str, data: Any, number: int = 1) -> Position:
    """A message that the door would not have let in, as an older release or another producer leaves it."""
    headers = headers_of(
        event_id=f"E-{number}", source="/core-banking", event_type=event_type, time="2024-06-14T09:00:00Z"
    )
    (position,) = await events.bus.publish([Message("bank.events", "C-1", encoded(data), headers)])
    return position


async def letter(events: EventsService, letter_id: str) -> Any:
    return (await events.http.get(f"{PATH}/{letter_id}")).json()


async def several(events: EventsService, count: int, **changes: Any) -> list[str]:
    """So many events of one customer, each with a dead letter."""
    return [await report(events, await accept(events, number), number, **changes) for number in range(1, count + 1)]


async def sent_again(events: EventsService) -> list[Record]:
    """What lies on the log because of dead letters."""
    return [record for record in await events.on_log("bank.events") if record.header("ce_deadletter")]


async def bulk(events: EventsService, **body: Any) -> Any:
    answer = await events.http.post(REPLAY, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fix(events: EventsService, letter_id: str, **body: Any) -> Any:
    return await events.http.post(f"{PATH}/{letter_id}/fix", json=body)


async def test_a_look_names_fields_and_never_shows_a_value(events: EventsService) -> None:
    personal = {"birth_date": "1980-05-17", "name": "Jan Novák", "Jan Novák": 1}
    data = {"customer_id": "C-1", "kind": "person", "rm_id": "rm-77", "personal": personal}
    position = await put_on_log(events, "bank.customer.updated.v1", data)
    letter_id = await report(events, position, event_type="bank.customer.updated.v1")
    answer = await events.http.get(f"{PATH}/{letter_id}")
    names = {field["name"] for field in answer.json()["content"]["fields"]}
    assert {"data.kind", "data.personal.birth_date", "data.personal.(unknown field)"} <= names
    assert not [value for value in ("1980", "Jan", "Novák", "rm-77", 'person"') if value in answer.text]


async def test_a_look_says_which_rule_of_the_schema_is_broken(events: EventsService) -> None:
    position = await put_on_log(
        events, "bank.transaction.posted.v1", transaction(amount={"value": "12,5", "currency": "CZK"})
    )
    shown = (await letter(events, await report(events, position)))["content"]
    assert (shown["fault"]["field"], shown["fault"]["rule"]) == ("data.amount.value", "pattern")
    assert "12,5" not in json.dumps(shown)


async def test_a_look_at_what_retention_removed_says_gone(events: EventsService) -> None:
    position = await accept(events)
    letter_id = await report(events, position)
    await accept(events, 2)
    await events.bus.trim(TopicPartition(position.topic, position.partition), position.offset + 1)
    assert (await letter(events, letter_id))["content"] == {"state": "gone", "fields": [], "fault": None}


async def test_a_dry_run_says_how_many_and_sends_nothing(events: EventsService) -> None:
    await several(events, 3)
    told = await bulk(events, reason="no-account", dry_run=True)
    assert (told["matched"], told["replayed"], told["next"]) == (3, 0, None)
    assert told["groups"] == [
        {"service": "scoring", "type": "bank.transaction.posted.v1", "reason": "no-account", "letters": 3}
    ]
    assert await sent_again(events) == []


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"ids": ["dl-1", "dl-3"]}, {"E-1", "E-3"}),
        ({"customer": "C-1"}, {"E-1", "E-2", "E-3"}),
        ({"customer": "C-9"}, set()),
        ({"from": "2024-06-15T12:00:02Z"}, {"E-2", "E-3"}),
        ({"to": "2024-06-15T12:00:02Z"}, {"E-1"}),
        ({"reason": "no-account", "service": "scoring", "type": "bank.transaction.posted.v1"}, {"E-1", "E-2", "E-3"}),
        ({"service": "suitability"}, set()),
    ],
)
async def test_bulk_takes_what_meets_the_criteria(
    events: EventsService, criteria: dict[str, Any], expected: set[str]
) -> None:
    await several(events, 3)
    told = await bulk(events, **criteria)
    assert told["matched"] == told["replayed"] == len(expected)
    assert {record.header("ce_id") for record in await sent_again(events)} == expected


async def test_bulk_goes_step_by_step_in_the_order_of_the_log_and_leaves_an_audit(events: EventsService) -> None:
    ids = await several(events, 5)
    first = await bulk(events, customer="C-1", limit=2)
    second = await bulk(events, customer="C-1", limit=2, cursor=first["next"])
    third = await bulk(events, customer="C-1", limit=2, cursor=second["next"])
    assert [first["matched"], second["matched"], third["matched"]] == [5, 3, 1]
    assert third["next"] is None
    assert [record.header("ce_id") for record in await sent_again(events)] == [f"E-{n}" for n in range(1, 6)]
    audit = [(await letter(events, one))["replay"] for one in ids]
    assert {(one["by"], one["run"], one["kind"], one["outcome"]) for one in audit} == {
        ("tester", first["run"], "replay", "waiting")
    }
    assert (await bulk(events, customer="C-1"))["matched"] == 0


async def test_bulk_steps_over_what_is_gone_and_says_so(events: EventsService) -> None:
    await several(events, 3)
    position = await letter(events, "dl-1")
    await events.bus.trim(TopicPartition(position["topic"], position["partition"]), position["offset"] + 1)
    told = await bulk(events, customer="C-1")
    assert (told["replayed"], told["not_replayable"]) == (2, 1)
    assert told["results"][0] == {"id": "dl-1", "result": "not-replayable"}


async def test_a_run_does_not_replay_what_it_caused_itself(events: EventsService) -> None:
    """Else a message that fails each time would be sent for ever. A new run takes it: that is the control."""
    await several(events, 2)
    first = await bulk(events, customer="C-1", limit=1)
    (again,) = await sent_again(events)
    await report(events, Position(again.topic, again.partition, again.offset), 7, event_id="E-1", replay_of="dl-1")
    second = await bulk(events, customer="C-1", limit=1, cursor=first["next"])
    assert (second["replayed"], second["next"]) == (1, None)
    assert (await letter(events, "dl-7"))["replay"] is None
    assert (await bulk(events, customer="C-1"))["replayed"] == 1
    assert (await letter(events, "dl-7"))["replay"]["outcome"] == "waiting"


async def test_a_replay_that_fails_again_is_a_new_letter_that_points_to_the_first(events: EventsService) -> None:
    await several(events, 1)
    for number, before in ((2, "dl-1"), (3, "dl-2")):
        await events.http.post(f"{PATH}/{before}/replay")
        last = (await sent_again(events))[-1]
        await report(events, Position(last.topic, last.partition, last.offset), number, replay_of=before)
    third = await letter(events, "dl-3")
    assert (third["replay_of"], third["first"], third["replay"]) == ("dl-2", "dl-1", None)
    replay = (await letter(events, "dl-1"))["replay"]
    assert (replay["outcome"], replay["failed_as"]) == ("failed-again", "dl-2")


async def test_another_services_new_letter_points_to_its_own(events: EventsService) -> None:
    """Two services could not take a message; one of the letters is replayed and the other service fails again."""
    position = await accept(events)
    await report(events, position, 1)
    await report(events, position, 2, service="suitability")
    await events.http.post(f"{PATH}/dl-1/replay")
    (again,) = await sent_again(events)
    place = Position(again.topic, again.partition, again.offset)
    await report(events, place, 3, service="suitability", replay_of="dl-1")
    assert (await letter(events, "dl-3"))["replay_of"] == "dl-2"
    assert (await letter(events, "dl-1"))["replay"]["outcome"] == "waiting"


async def test_what_became_of_it_follows_the_service_that_failed(events: EventsService) -> None:
    await several(events, 1)
    replay = (await events.http.post(f"{PATH}/dl-1/replay")).json()["replay"]
    here = TopicPartition(replay["topic"], replay["partition"])
    assert replay["outcome"] == "waiting"
    await events.mirror("scoring", {here: replay["offset"]})
    assert (await letter(events, "dl-1"))["replay"]["outcome"] == "waiting"
    await events.mirror("scoring", {here: replay["offset"] + 1})
    assert (await letter(events, "dl-1"))["replay"]["outcome"] == "passed"


@pytest.mark.parametrize("state", ["open", "replayed"])
async def test_the_list_can_leave_out_what_was_done(events: EventsService, state: str) -> None:
    await several(events, 2)
    await events.http.post(f"{PATH}/dl-1/replay")
    items = (await events.http.get(PATH, params={"state": state})).json()["items"]
    assert [one["id"] for one in items] == {"open": ["dl-2"], "replayed": ["dl-1"]}[state]


async def test_a_fix_is_a_new_event_that_names_the_one_it_replaces(events: EventsService) -> None:
    await several(events, 1)
    answer = await fix(events, "dl-1", changes={"amount": {"currency": "USD"}})
    assert answer.status_code == 200, answer.text
    replay = answer.json()["replay"]
    assert (replay["kind"], replay["by"], replay["outcome"]) == ("fix", "tester", "waiting")
    original, corrected = await events.on_log("bank.events")
    assert json.loads(corrected.value) == json.loads(original.value) | {
        "amount": {"value": "1200.50", "currency": "USD"}
    }
    assert corrected.header("ce_id") == replay["event_id"] != original.header("ce_id")
    assert corrected.header("ce_replacesid") == "E-1"
    assert corrected.header("ce_replacessource") == "/core-banking"
    assert corrected.header("ce_deadletter") == "dl-1"
    assert corrected.header("ce_time") == "2024-06-14T09:00:00.000001Z"
    assert corrected.offset == replay["offset"]


async def test_the_same_fix_twice_has_one_effect_and_another_one_is_refused(events: EventsService) -> None:
    await several(events, 1)
    data = transaction(1, purpose="transfer")
    first, again = await fix(events, "dl-1", data=data), await fix(events, "dl-1", data=data)
    other = await fix(events, "dl-1", data=transaction(1, purpose="fee"))
    assert first.json() == again.json()
    assert (other.status_code, problem(other)["code"]) == (409, "already-fixed")
    assert len(await sent_again(events)) == 1
    replayed = await events.http.post(f"{PATH}/dl-1/replay")
    assert (replayed.status_code, problem(replayed)["code"]) == (409, "already-fixed")


async def test_wrong_data_are_refused_with_field_and_rule_and_the_letter_stays_open(events: EventsService) -> None:
    await several(events, 1)
    answer = await fix(events, "dl-1", changes={"amount": {"value": "1.234"}})
    assert answer.status_code == 422
    assert [(one["field"], one["rule"]) for one in problem(answer)["errors"]] == [("data.amount.value", "precision")]
    missing = await fix(events, "dl-1", changes={"customer_id": None})
    assert problem(missing)["errors"][0]["rule"] == "required"
    assert (await letter(events, "dl-1"))["replay"] is None


async def test_a_dry_run_of_a_fix_only_checks(events: EventsService) -> None:
    await several(events, 1)
    assert (await fix(events, "dl-1", data=transaction(1), dry_run=True)).status_code == 200
    assert (await fix(events, "dl-1", data={}, dry_run=True)).status_code == 422
    assert await sent_again(events) == []


async def test_what_was_replayed_cannot_be_fixed(events: EventsService) -> None:
    await several(events, 1)
    await events.http.post(f"{PATH}/dl-1/replay")
    answer = await fix(events, "dl-1", data=transaction(1))
    assert (answer.status_code, problem(answer)["code"]) == (409, "already-replayed")


async def test_an_event_of_ours_cannot_be_fixed(events: EventsService) -> None:
    letter_id = await report(events, await accept(events), event_type="tierflow.tier.changed.v1")
    assert problem(await fix(events, letter_id, data={}))["code"] == "not-replayable"


@pytest.mark.parametrize("reason", ["conflicting-content", "id-reused", "content-conflict"])
async def test_what_took_effect_with_other_content_cannot_be_fixed(events: EventsService, reason: str) -> None:
    """A corrected event would be a second effect."""
    await several(events, 1, reason=reason)
    answer = await fix(events, "dl-1", data=transaction(1))
    assert (answer.status_code, problem(answer)["code"]) == (409, "not-replayable")


@pytest.mark.parametrize("body", [{}, {"data": {}, "changes": {}}, {"changes": []}, {"changes": {}, "more": 1}])
async def test_a_fix_needs_one_of_data_and_changes(events: EventsService, body: dict[str, Any]) -> None:
    assert (await events.http.post(f"{PATH}/dl-1/fix", json=body)).status_code == 422


@pytest.mark.parametrize(
    "body",
    [{}, {"limit": 5}, {"ids": []}, {"ids": ["x"] * 501}, {"reason": "r", "limit": 501},
     {"from": "2024-06-15T12:00:02"}, {"reason": "r", "cursor": "nonsense"}],
)  # fmt: skip
async def test_a_bulk_replay_is_bounded(events: EventsService, body: dict[str, Any]) -> None:
    """It names what it wants, and no more than a step."""
    answer = await events.http.post(REPLAY, json=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("action", ["replay", "fix", "bulk"])
async def test_what_the_log_did_not_take_is_in_hand_and_goes_on_later(events: EventsService, action: str) -> None:
    """As after a crash between the mark and the message. Nothing is lost, nothing comes twice."""
    await several(events, 1)

    async def act() -> Any:
        if action == "fix":
            return await fix(events, "dl-1", data=transaction(1, purpose="fee"))
        if action == "bulk":
            return await events.http.post(REPLAY, json={"customer": "C-1"})
        return await events.http.post(f"{PATH}/dl-1/replay")

    events.bus.is_off = True
    assert (await act()).status_code == 503
    events.bus.is_off = False
    assert (await letter(events, "dl-1"))["replay"]["outcome"] == "sending"
    assert (await act()).status_code == 200
    await act()
    assert len(await sent_again(events)) == 1
    assert (await letter(events, "dl-1"))["replay"]["outcome"] == "waiting"


@pytest.mark.parametrize(("protected", "events_on_log"), [(True, 1), (False, 2)], ids=["protected", "control"])
async def test_a_crash_between_the_corrected_event_and_its_mark_leaves_one_event(
    events: EventsService, monkeypatch: pytest.MonkeyPatch, protected: bool, events_on_log: int
) -> None:
    """The id that follows from the letter is what keeps it one: with a fresh id each time there are two."""
    await several(events, 1)

    async def crash(_letters: SqlLetters, _places: object) -> None:
        raise BusUnavailableError("as if the process had ended here")

    if not protected:
        monkeypatch.setattr(fixing, "derived_id", lambda prefix, *_parts: new_id(prefix))
    with monkeypatch.context() as crashing:
        crashing.setattr(SqlLetters, "sent", crash)
        assert (await fix(events, "dl-1", data=transaction(1, purpose="fee"))).status_code == 503
    assert len(await sent_again(events)) == 1
    assert (await fix(events, "dl-1", data=transaction(1, purpose="fee"))).status_code == 200
    assert len(await sent_again(events)) == events_on_log


async def test_an_idempotency_key_gives_the_first_answer_again(events: EventsService) -> None:
    await several(events, 2)
    key = {"idempotency-key": "k-1"}
    first = await events.http.post(REPLAY, json={"ids": ["dl-1"]}, headers=key)
    again = await events.http.post(REPLAY, json={"ids": ["dl-1"]}, headers=key)
    other = await events.http.post(REPLAY, json={"ids": ["dl-2"]}, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    control = await events.http.post(REPLAY, json={"ids": ["dl-1"]})
    assert control.json()["replayed"] == 0


@pytest.mark.parametrize("path", [REPLAY, f"{PATH}/dl-1/fix"])
async def test_sending_needs_its_own_scope(events: EventsService, path: str) -> None:
    reader = {"authorization": f"Bearer {events.token('dead-letters:read')}"}
    answer = await events.http.post(path, json={"changes": {}}, headers=reader)
    assert (answer.status_code, problem(answer)["scope"]) == (403, "dead-letters:replay")
