"""Waiting for the services: finished means that everything is read and nothing is left to say."""

import httpx
import pytest

from tests.unit.embedded.fake_server import FakeServer, ok
from tierflow_contact_planner.app import TOPICS as PLANNER_TOPICS
from tierflow_embedded.replay.waiting import READS, NotFinishedError, behind, wait_for_services
from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE


def _progress(outbox: int = 0, **positions: int) -> dict[str, object]:
    return {"positions": {name.replace("__", "/"): at for name, at in positions.items()}, "outbox": outbox}


def _all(**by_service: dict[str, object]) -> dict[str, object]:
    return {service: by_service.get(service.replace("-", "_"), _progress()) for service in READS}


def test_a_service_is_behind_by_what_it_subscribes_to_and_by_its_outbox() -> None:
    ends = {"bank.events/0": 10, "bank.reference/0": 4, "tierflow.tiers/0": 3}
    progress = {
        "scoring": {"positions": {"bank.events/0": 8}, "outbox": 5},
        "contact-planner": {"positions": {"bank.events/0": 10, "bank.reference/0": 4}, "outbox": 0},
        "suitability": {"positions": {"bank.events/0": 10, "bank.reference/0": 1}, "outbox": 0},
    }
    assert behind(ends, progress) == {"scoring": 7, "contact-planner": 3, "suitability": 3}


def test_a_service_that_has_not_started_to_read_is_behind_by_everything() -> None:
    assert behind({"bank.events/0": 10}, _all()) == dict.fromkeys(READS, 10)


def test_waiting_ends_when_all_have_read_all() -> None:
    client = FakeServer([_answer_with([3, 10, 10])]).client()
    seen: list[int] = []
    wait_for_services(client, limit_s=5, on_behind=seen.append, pause=lambda _: None)
    assert seen[-1] == 0
    assert seen[0] == 7 * len(READS)


def test_waiting_gives_up_when_nothing_moves() -> None:
    client = FakeServer([_answer_with([3])]).client()
    with pytest.raises(NotFinishedError, match="scoring 7"):
        wait_for_services(client, limit_s=0, pause=lambda _: None)


def _answer_with(positions: list[int]) -> object:
    """A server whose services all stand at the next of these positions each time the log is looked at."""
    left = list(positions)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/events/v1/log":
            return ok({"topics": {"bank.events": [{"partition": 0, "end": 10}]}})
        here = left[0]
        if request.url.path.startswith("/suitability") and len(left) > 1:
            left.pop(0)
        return ok({"positions": {"bank.events/0": here}, "outbox": 0})

    return answer


def test_the_table_of_subscriptions_is_what_the_services_wire() -> None:
    assert READS["contact-planner"] == set(PLANNER_TOPICS)
    assert READS["suitability"] >= {BANK_EVENTS, BANK_REFERENCE}
