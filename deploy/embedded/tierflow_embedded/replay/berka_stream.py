"""The Berka bank as one stream: reference data, then every row by its own day, or shuffled by a seed."""

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import Final

import numpy as np

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.replay.berka import CARD_LINES, CURRENCY, DERIVED_SOURCE, BerkaBank, Selection, Sent, region_slug
from tierflow_embedded.replay.berka_files import TABLES, BerkaFiles
from tierflow_shared.contracts.bank import ProductUpdated, Qualification, RmUpdated

# Rank of a table within a day: what later rows of the same day refer to comes first.
_ORDER: Final = ("client", "account", "disp", "order", "trans", "loan", "card")
_EPOCH: Final = date(1993, 1, 1)
_LICENSED_UNTIL: Final = date(1999, 12, 31)


def reference(files: BerkaFiles) -> Iterator[Sent]:
    """Derived reference data: a product per card type and loan term, a relationship manager per region."""
    moment = datetime.combine(_EPOCH, time(), UTC)
    terms = sorted({int(row["duration"]) for row in files.rows("loan")})
    products = [("card", kind, f"{kind.title()} card") for kind in CARD_LINES]
    products += [("loan", str(months), f"Loan over {months} months") for months in terms]
    for category, key, name in products:
        product = ProductUpdated(
            product_id=f"berka-{category}-{key}",
            name=name,
            category="card" if category == "card" else "loan",
            issuer_risk_level=1,
            seller_risk_level=1,
            currency=CURRENCY,
            on_sale_from=_EPOCH,
        )
        yield Sent("derived", "", _EPOCH, Envelope(product.product_id, DERIVED_SOURCE, moment, product))
    for region in sorted({district.region for district in files.districts.values()}):
        manager = RmUpdated(
            rm_id=f"berka-rm-{region_slug(region)}",
            role="personal",
            region="CZ",
            qualifications=(
                Qualification(category="loan", valid_until=_LICENSED_UNTIL),
                Qualification(category="card", valid_until=_LICENSED_UNTIL),
            ),
        )
        yield Sent("derived", "", _EPOCH, Envelope(manager.rm_id, DERIVED_SOURCE, moment, manager))


def by_day(files: BerkaFiles, selection: Selection) -> Iterator[Sent]:
    """All rows ordered by day; within a day by table, then as in the file. Transactions are read as they are sent."""
    bank = BerkaBank(files)
    streams = [_sorted(bank.rows(table, selection), table) for table in _ORDER]
    ordered = heapq.merge(*streams, key=attrgetter("on"))
    if selection.limit is None:
        return ordered
    touched = {sent.account for sent in bank.rows("trans", selection)}
    return (sent for sent in ordered if sent.account in touched)


def _sorted(rows: Iterator[Sent], table: str) -> Iterator[Sent]:
    """Small tables are sorted here; `trans`, the large one, is stored by day and only checked."""
    if table != "trans":
        yield from sorted(rows, key=attrgetter("on"))
        return
    last = date.min
    for sent in rows:
        if sent.on < last:
            raise ValueError("the table trans is not ordered by date")
        last = sent.on
        yield sent


def shuffled(files: BerkaFiles, selection: Selection, seed: int) -> Iterator[Sent]:
    """All rows in an order that only the seed decides; needs the whole selection in memory."""
    rows = list(by_day(files, selection))
    for index in np.random.default_rng(seed).permutation(len(rows)).tolist():
        yield rows[index]


def stream(files: BerkaFiles, selection: Selection, shuffle: int | None) -> Iterator[Sent]:
    """Everything that is not reference data, in the order in which it is sent."""
    return by_day(files, selection) if shuffle is None else shuffled(files, selection, shuffle)


__all__ = ["TABLES", "by_day", "reference", "shuffled", "stream"]
