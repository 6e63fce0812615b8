"""Berka's rows become events: traps are taken out, ids and times come from the rows alone."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tierflow_embedded.replay.berka import Selection, Sent
from tierflow_embedded.replay.berka_files import BerkaFiles, DataError, birth_date
from tierflow_embedded.replay.berka_stream import by_day, reference, shuffled
from tierflow_shared.contracts.bank import (
    CustomerUpdated,
    KycUpdated,
    ProductUpdated,
    SaleRequested,
    StandingOrderUpdated,
    TransactionPosted,
)

TABLES = {
    "district": ["A1,A2,A3", "18,Pisek,south Bohemia", "1,Hl.m. Praha,Prague"],
    "client": ["client_id,birth_number,district_id", "1,706213,18", "2,450204,1", "3,406009,1"],
    "account": ["account_id,district_id,frequency,date", "1,18,POPLATEK MESICNE,950324", "2,1,POPLATEK TYDNE,930226"],
    "disp": ["disp_id,client_id,account_id,type", "1,1,1,OWNER", "2,2,2,OWNER", "3,3,2,DISPONENT"],
    "order": [
        "order_id,account_id,bank_to,account_to,amount,k_symbol",
        "29401,1,YZ,87144583,2452.00,SIPO",
        "29402,2,ST,89597016,3372.70, ",
    ],
    "trans": [
        "trans_id,account_id,date,type,operation,amount,balance,k_symbol,bank,account",
        "10,2,930226,PRIJEM,VKLAD,1100.00,1100.00,,,",
        "11,2,930312,PRIJEM,PREVOD Z UCTU,20236.00,21336.00, ,ST,66487163",
        "12,2,930331,PRIJEM,,13.50,,UROK,,",
        "13,2,930402,VYDAJ,VYBER,14.60,,SLUZBY,,",
        "14,2,930402,VYBER,VYBER,100.00,,,,",
        "15,2,930405,VYDAJ,PREVOD NA UCET,7266.00,,SIPO,QR,13943797",
        "16,1,950324,PRIJEM,VKLAD,1000.00,1000.00,,,",
    ],
    "loan": ["loan_id,account_id,date,amount,duration,payments,status", "4959,2,940105,80952,24,3373.00,A"],
    "card": ["card_id,disp_id,type,issued", "1005,2,classic,931107 00:00:00"],
}


@pytest.fixture
def berka(tmp_path: Path) -> Callable[..., BerkaFiles]:
    def write(**changed: list[str]) -> BerkaFiles:
        for table, lines in {**TABLES, **changed}.items():
            (tmp_path / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return BerkaFiles(tmp_path)

    return write


def _all(files: BerkaFiles, selection: Selection | None = None) -> list[Sent]:
    return list(by_day(files, selection or Selection()))


def test_every_row_of_the_seven_tables_becomes_one_event(berka: Callable[..., BerkaFiles]) -> None:
    counts = Counter(sent.table for sent in _all(berka()))
    assert counts == {"client": 3, "account": 2, "disp": 3, "order": 2, "trans": 7, "loan": 1, "card": 1, "derived": 7}


@pytest.mark.parametrize(
    ("birth_number", "born"),
    [("706213", date(1970, 12, 13)), ("450204", date(1945, 2, 4)), ("406009", date(1940, 10, 9))],
)
def test_birth_numbers_of_women_hold_the_month_plus_fifty(birth_number: str, born: date) -> None:
    assert birth_date(birth_number) == born


def test_transactions_carry_direction_channel_and_purpose(berka: Callable[..., BerkaFiles]) -> None:
    seen = {
        sent.envelope.data.transaction_id: (
            sent.envelope.data.direction,
            sent.envelope.data.channel,
            sent.envelope.data.purpose,
        )
        for sent in _all(berka())
        if isinstance(sent.envelope.data, TransactionPosted)
    }
    assert seen == {
        "berka-trans-10": ("credit", "branch", "cash"),
        "berka-trans-11": ("credit", "system", "transfer"),
        "berka-trans-12": ("credit", "system", "interest"),
        "berka-trans-13": ("debit", "system", "fee"),
        "berka-trans-14": ("debit", "branch", "cash"),
        "berka-trans-15": ("debit", "standing-order", "household"),
        "berka-trans-16": ("credit", "branch", "cash"),
    }


def test_a_blank_symbol_means_nothing_is_said(berka: Callable[..., BerkaFiles]) -> None:
    orders = [s.envelope.data for s in _all(berka()) if isinstance(s.envelope.data, StandingOrderUpdated)]
    assert {order.order_id: order.purpose for order in orders} == {
        "berka-order-29401": "household",
        "berka-order-29402": "other",
    }


def test_loans_and_cards_are_sale_requests_of_the_owner_on_the_row_s_day(berka: Callable[..., BerkaFiles]) -> None:
    files = berka()
    sales = [s.envelope.data for s in _all(files) if isinstance(s.envelope.data, SaleRequested)]
    assert [(sale.sale_id, sale.customer_id, sale.product_id, sale.requested_at.date()) for sale in sales] == [
        ("berka-card-1005", "berka-client-2", "berka-card-classic", date(1993, 11, 7)),
        ("berka-loan-4959", "berka-client-2", "berka-loan-24", date(1994, 1, 5)),
    ]
    products = {s.envelope.data.product_id for s in reference(files) if isinstance(s.envelope.data, ProductUpdated)}
    assert {sale.product_id for sale in sales} <= products


def test_what_a_day_refers_to_comes_first(berka: Callable[..., BerkaFiles]) -> None:
    on_the_first_day = [sent.table for sent in _all(berka()) if sent.on == date(1993, 2, 26)]
    rows = [table for table in on_the_first_day if table != "derived"]
    assert rows == ["client", "client", "account", "disp", "disp", "order", "trans"]


def test_parties_of_an_account_are_customers_from_its_opening(berka: Callable[..., BerkaFiles]) -> None:
    since = {
        s.envelope.data.customer_id: s.envelope.data.relationship_since
        for s in _all(berka())
        if isinstance(s.envelope.data, CustomerUpdated)
    }
    assert since["berka-client-3"] == date(1993, 2, 26)
    assert since["berka-client-1"] == date(1995, 3, 24)


def test_due_diligence_is_derived_from_the_opening_and_valid_for_long(berka: Callable[..., BerkaFiles]) -> None:
    checks = [s.envelope.data for s in _all(berka()) if isinstance(s.envelope.data, KycUpdated)]
    assert {check.customer_id: check.effective_on for check in checks} == {
        "berka-client-1": date(1995, 3, 24),
        "berka-client-2": date(1993, 2, 26),
        "berka-client-3": date(1993, 2, 26),
    }
    assert all(check.valid_until and check.valid_until - check.effective_on > timedelta(days=3_000) for check in checks)


def test_a_selection_limits_transactions_and_nothing_else(berka: Callable[..., BerkaFiles]) -> None:
    files = berka()
    counts = Counter(s.table for s in _all(files, Selection(date(1993, 3, 1), date(1993, 4, 2))))
    assert (counts["trans"], counts["loan"], counts["account"]) == (4, 1, 2)


def test_a_limit_sends_the_rows_of_the_accounts_it_touches(berka: Callable[..., BerkaFiles]) -> None:
    sent = _all(berka(), Selection(limit=3))
    assert {one.account for one in sent} == {"2"}
    counts = Counter(one.table for one in sent)
    assert counts == {"client": 2, "account": 1, "disp": 2, "order": 1, "trans": 3, "loan": 1, "card": 1, "derived": 4}


def test_a_shuffle_keeps_the_set_and_follows_its_seed(berka: Callable[..., BerkaFiles]) -> None:
    files = berka()
    ordered = [sent.envelope.json() for sent in _all(files)]
    once, again, other = ([sent.envelope.json() for sent in shuffled(files, Selection(), seed)] for seed in (1, 1, 2))
    assert once == again
    assert once != other
    assert sorted(once) == sorted(other) == sorted(ordered)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "client.csv").write_text("client_id\n", encoding="utf-8")
    with pytest.raises(DataError, match="account, disp, order, trans"):
        BerkaFiles(tmp_path)


@pytest.mark.parametrize(
    ("table", "lines", "words"),
    [
        ("account", ["account_id,district_id,frequency,date", "9,18,X,991399"], "no owner|not a date"),
        ("account", ["account_id,district_id,frequency,date", "1,18,X,951399"], "not a date"),
        ("disp", ["disp_id,client_id", "1,1"], "lacks the columns account_id, type"),
        ("trans", [TABLES["trans"][0], "1,2,930101,GIFT,VKLAD,1.00,1.00,,,"], "unknown type"),
    ],
)
def test_a_bad_row_is_an_error_that_says_where(
    berka: Callable[..., BerkaFiles], table: str, lines: list[str], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        _all(berka(**{table: lines}))


@pytest.mark.shared_data
def test_the_real_files_hold_what_the_issue_counts(shared_data: Path) -> None:
    files = BerkaFiles(shared_data / "berka")
    counts = Counter(sent.table for sent in _all(files))
    del counts["derived"]
    assert counts == {
        "client": 5_369, "account": 4_500, "disp": 5_369, "order": 6_471, "trans": 49_102, "loan": 682, "card": 892,
    }  # fmt: skip


@pytest.mark.shared_data
def test_events_of_the_real_files_keep_every_amount(shared_data: Path) -> None:
    files = BerkaFiles(shared_data / "berka")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in files.rows("trans"):
        amount = Decimal(row["amount"])
        sums[f"berka-account-{row['account_id']}"] += amount if row["type"] == "PRIJEM" else -amount
    for sent in _all(files):
        if isinstance(data := sent.envelope.data, TransactionPosted):
            sums[data.account_id] -= Decimal(data.amount.value) * (1 if data.direction == "credit" else -1)
    assert set(sums.values()) == {Decimal(0)}
