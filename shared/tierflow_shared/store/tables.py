"""Tables every service has beside its own: outbox, dead letters, positions, counters, idempotency keys, acts."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

AutoId = BigInteger().with_variant(Integer, "sqlite")


@dataclass(frozen=True, slots=True)
class SharedTables:
    """The tables that belong to the way of the data, not to a service's subject."""

    outbox: Table
    dead_letter: Table
    consumer_position: Table
    consumption: Table
    idempotency: Table
    act: Table


def shared_tables(metadata: MetaData) -> SharedTables:
    """Adds the shared tables to a service's metadata (once; later calls return the same tables)."""
    existing = metadata.info.get("shared_tables")
    if isinstance(existing, SharedTables):
        return existing
    tables = SharedTables(
        _outbox(metadata),
        _dead_letter(metadata),
        _consumer_position(metadata),
        _consumption(metadata),
        _idempotency(metadata),
        _act(metadata),
    )
    metadata.info["shared_tables"] = tables
    return tables


def _outbox(metadata: MetaData) -> Table:
    """One row for what a transaction said (a few, if that was much). `body` is msgpack of `bus.port.Message`s."""
    return Table(
        "outbox",
        metadata,
        Column("seq", AutoId, primary_key=True, autoincrement=True),
        Column("created_at_ms", BigInteger, nullable=False),
        Column("messages", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )


def _dead_letter(metadata: MetaData) -> Table:
    return Table(
        "dead_letter",
        metadata,
        Column("dead_letter_id", String(64), primary_key=True),
        Column("topic", String(64), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", String(64), nullable=False),
        Column("event_id", String(200), nullable=False),
        Column("event_source", String(200), nullable=False),
        Column("event_type", String(200), nullable=False),
        Column("reason", String(64), nullable=False),
        Column("detail", String(200), nullable=False),
        Column("occurred_at_ms", BigInteger, nullable=False),
        Index("dead_letter_by_time", "occurred_at_ms", "dead_letter_id"),
    )


def _consumer_position(metadata: MetaData) -> Table:
    return Table(
        "consumer_position",
        metadata,
        Column("topic", String(64), primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
        Column("epoch", BigInteger, nullable=False),
    )


def _consumption(metadata: MetaData) -> Table:
    return Table(
        "consumption",
        metadata,
        Column("event_type", String(200), primary_key=True),
        Column("outcome", String(16), primary_key=True),
        Column("count", BigInteger, nullable=False),
    )


def _idempotency(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        Column("scope", String(200), primary_key=True),
        Column("key", String(128), primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("response", LargeBinary, nullable=False),
        Column("created_at_ms", BigInteger, nullable=False),
        Index("idempotency_by_age", "created_at_ms"),
    )


def _act(metadata: MetaData) -> Table:
    """Who did what with a privilege. Rows are only ever added."""
    return Table(
        "privileged_act",
        metadata,
        Column("seq", AutoId, primary_key=True, autoincrement=True),
        Column("at_ms", BigInteger, nullable=False),
        Column("subject", String(64), nullable=False),
        Column("action", String(64), nullable=False),
        Column("thing", String(200), nullable=False),
        Column("outcome", String(64), nullable=False),
        Column("trace", String(32), nullable=False),
        info={"since": "the step after 0.1.0's that is named privileged_acts"},
    )
