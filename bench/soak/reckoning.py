"""After a run: what was acknowledged beside what took effect and what was said, counted from the log itself."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.soak.crowd import Tally
from bench.soak.world import World

POSTED: Final = "bank.transaction.posted.v1"
_READ_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    """Counts of one run; `sound` says whether they fit.

    `copies` are messages that lie on the log more than once under one id (readers drop them); they are no fault.
    """

    events_acknowledged: int
    events_applied: int
    events_refused: int
    sales_acknowledged: int
    sales_decided: int
    sales_unknown: int
    decisions_after_the_first: int
    tiers_said: int
    tier_chains_broken: int
    copies: int

    @property
    def sound(self) -> bool:
        """Everything acknowledged took effect once, every sale was decided once, each tier follows the one before."""
        return (
            self.events_applied == self.events_acknowledged
            and self.events_refused == 0
            and self.sales_decided == self.sales_acknowledged
            and self.sales_unknown == self.decisions_after_the_first == self.tier_chains_broken == 0
        )

    def summary(self) -> dict[str, object]:
        """For the result."""
        return {**asdict(self), "sound": self.sound}


async def reckon(world: World, tally: Tally) -> Account:
    """Reads the services' counters and the topics of sales and tiers; nothing may be under way any more."""
    headers = {"Authorization": f"Bearer {world.token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        answer = (await client.get(f"{world.urls['scoring']}/scoring/v1/progress")).raise_for_status()
    outcomes = answer.json()["consumption"].get(POSTED, {})
    sales, copies = await _said(world, "tierflow.sales")
    tiers, more = await _said(world, "tierflow.tiers")
    decided = Counter(data["sale_id"] for kind, data in sales if kind == "tierflow.sale.decided.v1")
    return Account(
        events_acknowledged=tally.events,
        events_applied=outcomes.get("applied", 0),
        events_refused=outcomes.get("refused", 0),
        sales_acknowledged=len(tally.sales),
        sales_decided=len(decided.keys() & tally.sales),
        sales_unknown=len(decided.keys() - tally.sales),
        decisions_after_the_first=sum(decided.values()) - len(decided),
        tiers_said=len(tiers),
        tier_chains_broken=_broken_chains(tiers),
        copies=copies + more,
    )


def _broken_chains(said: list[tuple[str, dict[str, Any]]]) -> int:
    """Changes that do not begin where the customer's change before ended: one lost, doubled or out of order."""
    standing: dict[tuple[str, str], str] = {}
    broken = 0
    for kind, data in said:
        if kind == "tierflow.tier.changed.v1":
            where = data["customer_id"], data["scheme"]
            before = standing.get(where)
            broken += before is not None and data.get("previous_tier") != before
            standing[where] = data["tier"]
    return broken


async def _said(world: World, topic: str) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """Type and data of every message of a topic by partition and offset, copies left out, and how many those were."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        numbers = await _partitions(consumer, topic)
        places = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        seen: set[bytes] = set()
        found: list[tuple[str, dict[str, Any]]] = []
        copies = 0
        while not all([await consumer.position(place) >= ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=_READ_MS)).values():
                for record in records:
                    headers = dict(record.headers)
                    if headers["ce_id"] in seen:
                        copies += 1
                        continue
                    seen.add(headers["ce_id"])
                    found.append((headers["ce_type"].decode(), json.loads(record.value)))
        return found, copies
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    return consumer.partitions_for_topic(topic) or set()
