"""Reads for the routes, each in a transaction that writes nothing."""

import hashlib
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing

import msgspec
from sqlalchemy import Connection, select

from tierflow_shared.store.database import Database
from tierflow_suitability.adapters.codec import decode_assessment, decode_entry, decode_product, decode_sale
from tierflow_suitability.adapters.reading import AUDIT
from tierflow_suitability.adapters.references import PRODUCT
from tierflow_suitability.adapters.tables import Tables
from tierflow_suitability.domain.assessments import Assessment
from tierflow_suitability.domain.chain import GENESIS, ChainReport, Link, verify
from tierflow_suitability.domain.records import DecisionRecord
from tierflow_suitability.domain.sales import Sale
from tierflow_suitability.ports import DecisionsDigest, ProductVersion

_STREAM_ROWS = 1_000


class SqlQueries:
    """Implements `ports.Queries`."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables

    def sale(self, sale_id: str) -> tuple[Sale, DecisionRecord | None] | None:
        """A sale with its present decision."""
        table = self._tables.sale
        with self._database.reading() as connection:
            content = connection.execute(select(table.c.content).where(table.c.sale_id == sale_id)).scalar()
            if content is None:
                return None
            sale = decode_sale(content)
            return sale, self._decision(connection, sale.decision_id)

    def sales(self, customer_id: str | None, state: str | None, after: str | None, limit: int) -> Sequence[Sale]:
        """Sales in order of their ids, at most `limit`."""
        table = self._tables.sale
        query = select(table.c.content).order_by(table.c.sale_id).limit(limit)
        if customer_id is not None:
            query = query.where(table.c.customer_id == customer_id)
        if state is not None:
            query = query.where(table.c.state == state)
        if after is not None:
            query = query.where(table.c.sale_id > after)
        with self._database.reading() as connection:
            return [decode_sale(row.content) for row in connection.execute(query)]

    def current_decision(self, sale: Sale) -> DecisionRecord | None:
        """The decision a sale stands under."""
        return self.decision(sale.decision_id) if sale.decision_id is not None else None

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """A decision as it was made."""
        with self._database.reading() as connection:
            return self._decision(connection, decision_id)

    def _decision(self, connection: Connection, decision_id: str | None) -> DecisionRecord | None:
        audit = self._tables.audit
        query = select(audit.c.content).where(audit.c.decision_id == decision_id).order_by(audit.c.seq).limit(1)
        content = connection.execute(query).scalar() if decision_id is not None else None
        return decode_entry(content).decision if content is not None else None

    def assessments(self, customer_id: str) -> Sequence[Assessment]:
        """A customer's assessments, newest first (at most a few a year)."""
        table = self._tables.assessment
        query = select(table.c.content).where(table.c.customer_id == customer_id)
        with self._database.reading() as connection:
            found = [decode_assessment(row.content) for row in connection.execute(query)]
        return sorted(found, key=lambda one: one.order, reverse=True)

    def product(self, product_id: str) -> ProductVersion | None:
        """The newest version of a product."""
        table = self._tables.reference
        query = select(table).where(table.c.kind == PRODUCT, table.c.item_id == product_id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return None
        newest = max(rows, key=lambda row: (row.time, row.source, row.event_id))
        return ProductVersion((newest.time, newest.source, newest.event_id), decode_product(newest.content))

    def verify_audit(self) -> ChainReport:
        """Walks the whole audit log in one consistent view."""
        mark = self._tables.mark
        with self._database.reading() as connection:
            head = connection.execute(select(mark.c.value).where(mark.c.name == AUDIT)).scalar() or f"0:{GENESIS}"
            seq, _, head_hash = head.partition(":")
            with closing(self._links(connection)) as links:
                return verify(links, int(seq), head_hash)

    def _links(self, connection: Connection) -> Generator[Link, None, None]:
        audit = self._tables.audit
        query = select(audit).order_by(audit.c.seq)
        with connection.execution_options(yield_per=_STREAM_ROWS).execute(query) as rows:
            for row in rows:
                content = row.content if isinstance(row.content, bytes) else repr(row.content).encode()
                told = (row.kind, row.sale_id, row.decision_id)
                yield Link(row.seq, row.prev_hash, row.hash if told == _columns(content) else "", content)

    def digest(self) -> DecisionsDigest:
        """One hash over all sales in order of their ids: outcome, state, each rule's verdict. No times, no offsets."""
        table, sha = self._tables.sale, hashlib.sha256()
        outcomes: Counter[str] = Counter()
        states: Counter[str] = Counter()
        rules: dict[str, Counter[str]] = {}
        query = select(table.c.content).order_by(table.c.sale_id)
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_STREAM_ROWS).execute(query):
                sale = decode_sale(row.content)
                outcome = sale.outcome or "undecided"
                sha.update(f"{sale.sale_id}|{outcome}|{sale.verdicts}|{sale.state}\n".encode())
                outcomes[outcome] += 1
                states[sale.state] += 1
                for verdict in filter(None, sale.verdicts.split(",")):
                    rule_id, _, word = verdict.partition("=")
                    rules.setdefault(rule_id, Counter())[word] += 1
        by_rule = {rule_id: dict(sorted(counts.items())) for rule_id, counts in sorted(rules.items())}
        total = sum(outcomes.values())
        return DecisionsDigest(
            sha.hexdigest(), total, dict(sorted(outcomes.items())), dict(sorted(states.items())), by_rule
        )


def _columns(content: bytes) -> tuple[str, str | None, str | None] | None:
    """What the look-up columns beside an entry must say; None for an entry that cannot be read."""
    try:
        entry = decode_entry(content)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None
    return (entry.kind, entry.sale_id, entry.decision.decision_id if entry.decision else None)
