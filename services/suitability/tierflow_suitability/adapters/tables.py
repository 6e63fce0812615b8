"""The tables of the service. Documents are JSON; columns beside them exist for look-ups."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, text

_WAITING = text("state = 'requested'")


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one MetaData."""

    customer: Table
    person: Table
    assessment: Table
    reference: Table
    sale: Table
    audit: Table
    mark: Table
    seen: Table


def suitability_tables(metadata: MetaData) -> Tables:
    """Adds the service's tables to a MetaData (once; later calls return the same tables)."""
    existing = metadata.info.get("suitability_tables")
    if isinstance(existing, Tables):
        return existing
    tables = Tables(
        customer=_customer(metadata),
        person=_person(metadata),
        assessment=_assessment(metadata),
        reference=_reference(metadata),
        sale=_sale(metadata),
        audit=_audit(metadata),
        mark=_mark(metadata),
        seen=_seen(metadata),
    )
    metadata.info["suitability_tables"] = tables
    return tables


def _customer(metadata: MetaData) -> Table:
    return Table(
        "customer",
        metadata,
        Column("customer_id", String(64), primary_key=True),
        Column("registers", LargeBinary, nullable=False),
    )


def _person(metadata: MetaData) -> Table:
    """Personal data, apart: only `persons.py` reads and writes it."""
    return Table(
        "person",
        metadata,
        Column("customer_id", String(64), primary_key=True),
        Column("birth_date", LargeBinary, nullable=False),
    )


def _assessment(metadata: MetaData) -> Table:
    return Table(
        "assessment",
        metadata,
        Column("assessment_id", String(64), primary_key=True),
        Column("customer_id", String(64), nullable=False),
        Column("answered_at_us", BigInteger, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Index("assessment_by_customer", "customer_id", "answered_at_us", "assessment_id"),
    )


def _reference(metadata: MetaData) -> Table:
    """Every version of every product and member of staff."""
    return Table(
        "reference",
        metadata,
        Column("kind", String(16), primary_key=True),
        Column("item_id", String(64), primary_key=True),
        Column("time", String(40), primary_key=True),
        Column("source", String(200), primary_key=True),
        Column("event_id", String(200), primary_key=True),
        Column("content", LargeBinary, nullable=False),
    )


def _sale(metadata: MetaData) -> Table:
    return Table(
        "sale",
        metadata,
        Column("sale_id", String(64), primary_key=True),
        Column("customer_id", String(64), nullable=False),
        Column("product_id", String(64), nullable=False),
        Column("staff_id", String(64)),
        Column("state", String(16), nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("outcome", String(16)),
        Column("expires_on", String(10), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Index("sale_by_customer", "customer_id", "sale_id"),
        Index("sale_waiting", "product_id", "staff_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("sale_by_deadline", "expires_on", sqlite_where=text("is_open = 1"), postgresql_where=text("is_open")),
    )


def _audit(metadata: MetaData) -> Table:
    """Append-only. `content` is what the hash covers; the columns beside it repeat parts of it for look-ups."""
    return Table(
        "audit",
        metadata,
        Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("kind", String(32), nullable=False),
        Column("sale_id", String(64)),
        Column("decision_id", String(64)),
        Column("prev_hash", String(64), nullable=False),
        Column("hash", String(64), nullable=False),
        Column("content", LargeBinary, nullable=False),
        Index("audit_by_decision", "decision_id"),
    )


def _mark(metadata: MetaData) -> Table:
    """The head of the audit chain, and a stamp that changes with every product or member of staff."""
    return Table(
        "mark",
        metadata,
        Column("name", String(16), primary_key=True),
        Column("value", String(100), nullable=False),
    )


def _seen(metadata: MetaData) -> Table:
    """Which events had their effect: a producer's repetition has none, also a month later."""
    return Table(
        "seen",
        metadata,
        Column("identity", LargeBinary, primary_key=True),
        Column("content", LargeBinary, nullable=False),
    )
