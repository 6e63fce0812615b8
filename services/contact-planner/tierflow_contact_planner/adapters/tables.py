"""The tables of the contact planner. Documents are JSON of the domain's dataclasses, columns are for finding them."""

from sqlalchemy import Boolean, Column, Date, Index, LargeBinary, MetaData, String, Table

metadata = MetaData()

customer = Table(
    "customer",
    metadata,
    Column("customer_id", String(64), primary_key=True),
    Column("rm_id", String(64)),
    Column("facts", LargeBinary, nullable=False),
    Index("customer_by_rm", "rm_id", "customer_id"),
)

manager = Table(
    "manager",
    metadata,
    Column("rm_id", String(64), primary_key=True),
    Column("is_active", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

product = Table(
    "product",
    metadata,
    Column("product_id", String(64), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

contact = Table(
    "contact",
    metadata,
    Column("contact_id", String(64), primary_key=True),
    Column("rm_id", String(64), nullable=False),
    Column("customer_id", String(64), nullable=False),
    Column("planned_on", Date, nullable=False),
    Column("status", String(16), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("contact_by_rm", "rm_id", "planned_on"),
    Index("contact_by_customer", "customer_id", "planned_on", "contact_id"),
    Index("contact_by_day", "planned_on"),
)

plan = Table(
    "plan",
    metadata,
    Column("rm_id", String(64), primary_key=True),
    Column("first", Date, primary_key=True),
    Column("last", Date, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

business_date = Table(
    "business_date",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("day", Date, nullable=False),
)

seen_event = Table(
    "seen_event",
    metadata,
    Column("identity", LargeBinary(16), primary_key=True),
    Column("content", LargeBinary(8), nullable=False),
)
