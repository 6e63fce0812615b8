"""The trial's own database: the tables of scoring, and one row that says what is tried."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, MetaData, String, Table, func, insert, inspect, select

from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.domain.policy import PolicySet
from tierflow_shared.bus.port import TopicPartition
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import Migrations, current_revision, prepare_schema
from tierflow_shared.store.positions import read_positions

_METADATA: Final = MetaData()
_TRIAL: Final = Table(
    "trial",
    _METADATA,
    Column("name", String(64), primary_key=True),
    Column("policy_hash", String(32), nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
)


class TrialError(Exception):
    """The trial cannot be run as it was asked for."""


def prepare(database: Database, migrations: Migrations, name: str, policies: PolicySet) -> None:
    """Makes the tables at the first run; later runs go on.

    Raises:
        TrialError: the database is the live one's or another trial's, or another policy set was tried under the name.
    """
    with database.reading() as connection:
        is_ours = inspect(connection).has_table(_TRIAL.name)
        if not is_ours and current_revision(connection) is not None:
            raise TrialError("this database belongs to a running service: a trial needs one of its own")
    prepare_schema(database, migrations, migrate=True)
    _METADATA.create_all(database.engine)
    policy_hash = blake2b(msgspec.json.encode(policies), digest_size=16).hexdigest()
    with database.writing(alone=True) as uow:
        found = uow.connection.execute(select(_TRIAL)).first()
        if found is None:
            row = {"name": name, "policy_hash": policy_hash, "started_at_ms": database.now_ms()}
            uow.connection.execute(insert(_TRIAL).values(row))
        elif found.name != name:
            raise TrialError(f"this database is that of the trial {found.name}")
        elif found.policy_hash != policy_hash:
            raise TrialError(f"the trial {name} was begun with other policies: choose another name for these")


def begin_at(database: Database, starts: Mapping[TopicPartition, int]) -> None:
    """Where to read from, for partitions that were never read."""
    position = database.tables.consumer_position
    with database.writing(alone=True) as uow:
        known = read_positions(uow.connection, database.tables)
        rows = [
            {"topic": topic, "partition": partition, "next_offset": offset, "epoch": 0}
            for (topic, partition), offset in starts.items()
            if (topic, partition) not in known
        ]
        if rows:
            uow.connection.execute(insert(position), rows)


def is_closing(database: Database) -> bool:
    """True while a day that is over is not yet written for everybody."""
    with database.reading() as connection:
        return SqlRepository(connection).partitions_closing() > 0


def positions(database: Database) -> dict[TopicPartition, int]:
    """The next offset of each partition."""
    with database.reading() as connection:
        return read_positions(connection, database.tables)


def taken(database: Database) -> dict[str, int]:
    """How many events were applied, dropped as duplicates, or refused."""
    table = database.tables.consumption.c
    with database.reading() as connection:
        rows = connection.execute(select(table.outcome, func.sum(table["count"])).group_by(table.outcome))
        return {row[0]: int(row[1]) for row in rows}
