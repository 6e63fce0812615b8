"""How fast scoring takes transactions that arrive in order: decode, ledger, buckets, columns, tiers, SQLite.

Usage: python bench/scoring_process.py [customers] [days] [batch]
"""

import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from tierflow_scoring.adapters.policy_files import load_policy_set
from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.adapters.tables import METADATA
from tierflow_scoring.app import MIGRATIONS
from tierflow_scoring.consumers.handler import ScoringHandler
from tierflow_scoring.handlers.commands import POSTED
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.port import Record, TopicPartition
from tierflow_shared.clock import SystemClock
from tierflow_shared.cloudevents import headers_of
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.money import no_rates
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import upgrade

_START = date(2024, 1, 1)


def bank_records(customers: int, days: int, seed: int = 1) -> Iterator[list[Record]]:
    """One list of records per day: every customer books about once a day."""
    random, offset = Random(seed), 0
    for n in range(days):
        day = _START + timedelta(days=n)
        timestamp_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        records = []
        for _ in range(customers):
            customer = f"C{random.randrange(customers):06d}"
            value = json.dumps(
                {
                    "transaction_id": f"T{offset}",
                    "customer_id": customer,
                    "account_id": f"A{customer[1:]}-1",
                    "amount": {"value": f"{random.randrange(1, 2_000)}.{random.randrange(100):02d}", "currency": "CZK"},
                    "direction": random.choice(["credit", "credit", "debit"]),
                    "booking_date": day.isoformat(),
                    "channel": random.choice(["card", "atm", "online", "branch"]),
                    "purpose": random.choice(["cash", "transfer", "card-payment"]),
                },
                separators=(",", ":"),
            ).encode()
            headers = headers_of(
                event_id=f"E{offset}", source="/core", event_type=POSTED, time=f"{day.isoformat()}T12:00:00Z"
            )
            records.append(Record(BANK_EVENTS, 0, offset, timestamp_ms, customer, POSTED, headers, value))
            offset += 1
        yield records


def main(customers: int, days: int, batch: int) -> None:
    """Prints events per second of each day and of all."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/scoring.db", METADATA, service="scoring", clock=SystemClock())
        upgrade(database, MIGRATIONS)
        policies = load_policy_set("berka", "CZK")
        settings = ScoringSettings(data_dir=Path(folder))
        handler = ScoringHandler(policies, no_rates("CZK"), settings, SqlRepository)
        with database.reading() as connection:
            handler.assigned(connection, [TopicPartition(BANK_EVENTS, 0)])
        profile = cProfile.Profile() if "--profile" in sys.argv else None
        events, seconds = 0, 0.0
        for n, records in enumerate(bank_records(customers, days)):
            if profile and n == days // 2:
                profile.enable()
            started, busy = time.perf_counter(), time.process_time()
            for start in range(0, len(records), batch):
                with database.writing() as uow:
                    handler.process(uow, records[start : start + batch])
            took, busy = time.perf_counter() - started, time.process_time() - busy
            events, seconds = events + len(records), seconds + took
            each, cpu = took / len(records) * 1e6, busy / len(records) * 1e6
            print(
                f"day {n:3d}: {len(records) / took:9.0f} events/s, {each:5.1f} us each, {cpu:5.1f} us of processor time"
            )
        print(f"{events} events, {events / seconds:.0f} per second")
        if profile:
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(28)
        database.close()


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(*(numbers + [20_000, 12, 5_000][len(numbers) :]))
