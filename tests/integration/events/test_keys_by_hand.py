"""What an operator does with keys: rotation, the list of erasures, and what is left when keys are lost."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from tests.integration.events.conftest import EventsService, running_events
from tests.integration.events.samples import encoded
from tests.integration.events.test_personal_data import PERSON, erase, profile
from tierflow_embedded.cli import app
from tierflow_shared.privacy.kms import KEK_FILE

pytestmark = pytest.mark.anyio


def run(*words: str) -> str:
    shown = CliRunner().invoke(app, list(words))
    assert shown.exit_code == 0, shown.output
    return shown.output


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def restore(folder: Path, backup: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, content in backup.items():
        (folder / name).write_bytes(content)


async def told(events: EventsService, customer: str = "C-1") -> str:
    return (await events.http.get(f"/events/v1/customers/{customer}/personal-data")).text


async def test_the_wrapping_key_is_rotated_under_a_running_service(tmp_path: Path) -> None:
    """Old seals open, new ones are made, and the old wrapping key is nowhere needed."""
    async with running_events(tmp_path, None) as events:
        for number in range(3):
            await events.send(encoded(profile(number, f"C-{number}")))
        old = (tmp_path / KEK_FILE).read_text().split()
        assert "3 customers' keys wrapped anew" in run("keys", "rotate", "--new", "--drop", "--data-dir", str(tmp_path))
        new = (tmp_path / KEK_FILE).read_text().split()
        assert len(old) == len(new) == 1
        assert old != new
        assert "Jana" in await told(events)
    async with running_events(tmp_path, None) as events:
        assert "Jana" in await told(events, "C-2")
        await events.send(encoded(profile(9, "C-9")))
        assert "0 customers' keys wrapped anew" in run("keys", "rotate", "--data-dir", str(tmp_path))


async def test_a_restore_of_log_and_database_forgets_an_erasure_until_the_list_is_applied(tmp_path: Path) -> None:
    """The list is kept apart; before it is applied (the control) the person can be read again."""
    async with running_events(tmp_path, None) as events:
        await events.send(encoded(profile()))
    backup = contents(tmp_path)
    async with running_events(tmp_path, None) as events:
        done = await erase(events, "C-1")
        listed = (await events.http.get("/events/v1/erasures")).json()["items"]
        assert listed == [done]
    restore(tmp_path, backup)
    async with running_events(tmp_path, None) as events:
        assert "Jana" in await told(events), "the control"
    kept = tmp_path / "erasures.json"
    kept.write_text(json.dumps(listed))
    assert "1 keys deleted again, 0 were gone" in run("erasures", "apply", str(kept), "--data-dir", str(tmp_path))
    assert "0 keys deleted again, 1 were gone" in run("erasures", "apply", str(kept), "--data-dir", str(tmp_path))
    async with running_events(tmp_path, None) as events:
        assert "Jana" not in await told(events)
        await events.eventually("/events/v1/progress", lambda answer: '"outbox":0' in answer.text)
        records = await events.on_log("tierflow.erasures")
        assert {json.loads(record.value)["erasure_id"] for record in records} == {done["id"]}


async def test_lost_keys_are_not_taken_for_an_erasure(tmp_path: Path) -> None:
    """Without its row a field cannot be opened, and nobody is told that the person was erased."""
    async with running_events(tmp_path, None) as events:
        await events.send(encoded(profile()))
        with events.database() as database, database.writing() as uow:
            uow.connection.execute(text("DELETE FROM customer_key"))
    async with running_events(tmp_path, None) as events:
        shown = json.loads(await told(events))
        assert set(shown["events"][0]["data"]["personal"].values()) == {"(cannot be opened)"}
        assert set(shown["events"][0]["data"]["personal"]) == set(PERSON)


async def test_another_wrapping_key_means_unavailable(tmp_path: Path) -> None:
    """A wrong key file is a fault of the operator's: 503, and nothing is overwritten."""
    async with running_events(tmp_path, None) as events:
        await events.send(encoded(profile()))
    (tmp_path / KEK_FILE).write_text(run("keys", "new"))
    async with running_events(tmp_path, None) as events:
        assert (await events.http.get("/events/v1/customers/C-1/personal-data")).status_code == 503
        assert (await events.send(encoded(profile(2)))).status_code == 503
