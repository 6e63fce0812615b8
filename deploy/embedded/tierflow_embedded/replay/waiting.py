"""Waiting for the services: until each has read everything that the log holds for it, and has nothing left to say."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE, ERASURES, SALES, TIERS
from tierflow_shared.web.client import ApiClient

# Which topics each service reads. `tests/unit/embedded` holds this against the services' own wiring.
READS: Final[Mapping[str, frozenset[str]]] = {
    "scoring": frozenset({BANK_EVENTS}),
    "contact-planner": frozenset({BANK_EVENTS, BANK_REFERENCE, TIERS, SALES, ERASURES}),
    "suitability": frozenset({BANK_EVENTS, BANK_REFERENCE, ERASURES}),
}
_PAUSE_S: Final = 0.05


class NotFinishedError(Exception):
    """The services did not catch up within the limit; the text says which is how far behind."""


def read_log(client: ApiClient) -> dict[str, int]:
    """The end of each partition, by "topic/partition"."""
    answer = client.get("/events/v1/log")
    return {
        f"{topic}/{partition['partition']}": int(partition["end"])
        for topic, partitions in answer["topics"].items()
        for partition in partitions
    }


def read_progress(client: ApiClient) -> dict[str, Any]:
    """What each service says of its progress."""
    return {service: client.get(f"/{service}/v1/progress") for service in READS}


def behind(ends: Mapping[str, int], progress: Mapping[str, Any]) -> dict[str, int]:
    """How many messages each service has not read yet, with what waits in its outbox and what is under way."""
    left: dict[str, int] = {}
    for service, topics in READS.items():
        positions = progress[service]["positions"]
        unread = sum(
            max(0, end - int(positions.get(place, 0)))
            for place, end in ends.items()
            if place.rpartition("/")[0] in topics
        )
        left[service] = unread + int(progress[service]["outbox"]) + int(progress[service].get("unfinished", 0))
    return left


def wait_for_services(
    client: ApiClient,
    *,
    limit_s: float,
    on_behind: Callable[[int], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when all services have read all there is, and reading it brought nothing new.

    Raises:
        NotFinishedError: nothing moved for `limit_s` seconds.
    """
    least, moved_at = -1, time.monotonic()
    while True:
        ends = read_log(client)
        left = behind(ends, read_progress(client))
        total = sum(left.values())
        on_behind(total)
        if total == 0 and read_log(client) == ends:
            return
        if least < 0 or total < least:
            least, moved_at = total, time.monotonic()
        if time.monotonic() - moved_at > limit_s:
            words = ", ".join(f"{service} {count:,}" for service, count in left.items() if count)
            raise NotFinishedError(f"no progress for {limit_s:.0f} s; messages left: {words or 'new ones keep coming'}")
        pause(_PAUSE_S)
