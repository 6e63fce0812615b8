"""Tables of the events service."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, String, Table

from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE
from tierflow_shared.privacy.store import key_table

METADATA: Final = MetaData()

# Topics as small numbers: the index has a row for each event ever accepted. Numbers are never used again.
TOPIC_CODES: Final = {BANK_EVENTS: 0, BANK_REFERENCE: 1}
TOPIC_NAMES: Final = {code: name for name, code in TOPIC_CODES.items()}

EVENT_INDEX: Final = Table(
    "event_index",
    METADATA,
    Column("id_hash", LargeBinary(16), primary_key=True),
    Column("content_hash", LargeBinary(8), nullable=False),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

LETTER: Final = Table(
    "letter",
    METADATA,
    Column("letter_id", String(64), primary_key=True),
    Column("service", String(64), nullable=False),
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
    Column("replayed_by", String(64)),
    Column("replayed_at_ms", BigInteger),
    Column("replay_partition", Integer),
    Column("replay_offset", BigInteger),
    Column("replay_kind", String(16)),
    Column("replay_run", String(64)),
    Column("replay_event_id", String(200)),
    Column("replay_content", LargeBinary(8)),
    Column("replay_of", String(64)),
    Column("first_letter_id", String(64)),
    Index("letter_by_replay_of", "replay_of"),
    Index("letter_by_time", "occurred_at_ms", "letter_id"),
    Index("letter_by_key", "key", "occurred_at_ms"),
    Index("letter_by_position", "topic", "partition", "offset"),
)

CUSTOMER_KEY: Final = key_table(METADATA)
CUSTOMER_KEY.info["since"] = "events_0005"

ERASURE: Final = Table(
    "erasure",
    METADATA,
    Column("erasure_id", String(64), primary_key=True),
    Column("customer_id", String(64), nullable=False),
    Column("basis", String(32), nullable=False),
    Column("requested_by", String(64), nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("confirmed_by", String(64)),
    Column("confirmed_at_ms", BigInteger),
    Index("erasure_by_customer", "customer_id"),
    info={"since": "events_0005"},
)

BUSINESS_DATE: Final = Table(
    "business_date",
    METADATA,
    Column("business_date", String(10), primary_key=True),
    Column("advanced_by", String(64), nullable=False),
    Column("advanced_at_ms", BigInteger, nullable=False),
)
