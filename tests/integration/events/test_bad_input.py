"""Every row of docs/bad-input.md is true: a problem that names field and rule, never 500, and what was accepted."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.databases import ON_SQLITE
from tests.integration.events.bad_input import CASES
from tests.integration.events.conftest import EventsService, problem

pytestmark = pytest.mark.anyio

DOCUMENT = Path(__file__).parents[3] / "docs" / "bad-input.md"


class Row(NamedTuple):
    """One line of the table."""

    id: str
    what: str
    status: str
    field: str
    rule: str
    accepted: str


def table() -> list[Row]:
    """The rows of the document, without the two lines of the head."""
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines[1:]]


ROWS = table()


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    assert sorted(row.id for row in ROWS) == sorted(CASES)
    assert len(ROWS) >= 25


@ON_SQLITE
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
async def test_bad_input_is_answered_as_documented(events: EventsService, row: Row) -> None:
    answer = await CASES[row.id](events)
    document = problem(answer)
    assert answer.status_code == int(row.status), document
    if row.field != "—":
        assert (document["errors"][0]["field"], document["errors"][0]["rule"]) == (row.field, row.rule), document
    if row.accepted != "—":
        assert document["accepted"] == int(row.accepted)
    accepted = {line["id"] for line in document.get("results", []) if line["status"] == "accepted"}
    assert accepted <= await _events_on_log(events)


async def test_nothing_refused_ever_reaches_the_log(events: EventsService) -> None:
    for row in ROWS:
        if row.accepted == "0" and row.id != "same-id-other-content":
            await CASES[row.id](events)
    assert await _events_on_log(events) == set()


async def _events_on_log(events: EventsService) -> set[str]:
    return {record.header("ce_id") for record in await events.on_log("bank.events")}
