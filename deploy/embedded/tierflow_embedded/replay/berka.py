"""Berka's rows as events of the bank.

Each row of the seven tables becomes one event whose id names its table and row, at a fixed hour of the row's own day:
an account's and its parties' day is the account's opening, a client's the opening of its first account. What the files
do not hold but a bank would know is derived, marked, and counted apart: relationship managers (one for each of the
eight regions), a catalogue of cards and loans, due diligence done when the account opened, consent to be called.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.replay.berka_files import BerkaFiles, DataError, Row, birth_date, day
from tierflow_shared.contracts.bank import (
    AccountOpened,
    AccountPartyUpdated,
    ConsentUpdated,
    CustomerUpdated,
    KycUpdated,
    Personal,
    SaleRequested,
    StandingOrderUpdated,
    TransactionChannel,
    TransactionPosted,
    TransactionPurpose,
)
from tierflow_shared.contracts.primitives import Channel, Data, PositiveMoney, Purpose

CURRENCY: Final = "CZK"
SOURCE: Final = "/berka/pkdd99"
DERIVED_SOURCE: Final = "/berka/derived"
KYC_VALID_DAYS: Final = 3_650

_ORDER_PURPOSES: Final[Mapping[str, Literal["household", "loan-payment", "insurance", "leasing"]]] = {
    "SIPO": "household",
    "UVER": "loan-payment",
    "POJISTNE": "insurance",
    "LEASING": "leasing",
}
_PURPOSES: Final[Mapping[str, TransactionPurpose]] = {
    **_ORDER_PURPOSES,
    "SLUZBY": "fee",
    "UROK": "interest",
    "SANKC. UROK": "penalty-interest",
    "DUCHOD": "pension",
}
_OPERATIONS: Final[Mapping[str, tuple[TransactionChannel, TransactionPurpose]]] = {
    "VKLAD": ("branch", "cash"),
    "VYBER": ("branch", "cash"),
    "VYBER KARTOU": ("card", "cash"),
    "PREVOD Z UCTU": ("system", "transfer"),
    "PREVOD NA UCET": ("standing-order", "transfer"),
    "": ("system", "other"),
}
_DIRECTIONS: Final[Mapping[str, Literal["credit", "debit"]]] = {
    "PRIJEM": "credit",
    "VYDAJ": "debit",
    "VYBER": "debit",
}
_STATEMENTS: Final[Mapping[str, Literal["monthly", "weekly", "after-transaction"]]] = {
    "POPLATEK MESICNE": "monthly",
    "POPLATEK TYDNE": "weekly",
    "POPLATEK PO OBRATU": "after-transaction",
}
# Credit lines of the derived catalogue: the files do not hold any.
CARD_LINES: Final[Mapping[str, str]] = {"junior": "5000", "classic": "20000", "gold": "100000"}
_BY_THE_BANK: Final = frozenset({"fee", "interest", "penalty-interest"})
_CONSENTS: Final[tuple[tuple[Channel, Purpose], ...]] = (("phone", "service"), ("phone", "sale"))


class Sent(NamedTuple):
    """An event and where it comes from: one of the seven tables, or `derived`; `account` is the files' number."""

    table: str
    account: str
    on: date
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Selection:
    """Which transactions to send: by day, and at most `limit`.

    Rows of the other tables are always sent, all of them; with a limit, those of the accounts it touches.
    """

    from_date: date | None = None
    to_date: date | None = None
    limit: int | None = None

    def takes(self, on: date) -> bool:
        return (self.from_date is None or on >= self.from_date) and (self.to_date is None or on <= self.to_date)


def client_id(client: str) -> str:
    return f"berka-client-{client}"


def account_id(account: str) -> str:
    return f"berka-account-{account}"


def region_slug(region: str) -> str:
    return region.lower().replace(" ", "-")


class BerkaBank:
    """Turns rows into events."""

    def __init__(self, files: BerkaFiles) -> None:
        self._files = files

    def rows(self, table: str, selection: Selection) -> Iterator[Sent]:
        """The events of one table in the file's order, with what is derived from each row behind it."""
        make = self._makers[table]
        taken = 0
        for row in self._files.rows(table):
            on, hour, event, data = make(self, row)
            if table == "trans":
                if not selection.takes(on):
                    continue
                taken += 1
                if selection.limit is not None and taken > selection.limit:
                    return
            yield Sent(table, self._account_of(row), on, Envelope(event, SOURCE, _at(on, hour), data))
            yield from self._derived(table, row, on)

    def _account_of(self, row: Row) -> str:
        """The account a row is about: named by itself, by its disposition, or the client's own."""
        if "account_id" in row:
            return row["account_id"]
        if "disp_id" in row:
            return self._files.parties[row["disp_id"]].account_id
        return self._files.account_of_client[row["client_id"]]

    def _client(self, row: Row) -> tuple[date, int, str, Data]:
        district = self._files.districts[row["district_id"]]
        on = self._files.accounts[self._files.account_of_client[row["client_id"]]].opened_on
        data = CustomerUpdated(
            customer_id=client_id(row["client_id"]),
            kind="person",
            source="berka",
            personal=Personal(birth_date=birth_date(row["birth_number"])),
            relationship_since=on,
            region=f"{district.region} / {district.name}",
            rm_id=f"berka-rm-{region_slug(district.region)}",
            branch_id=f"berka-district-{row['district_id']}",
            language="cs",
        )
        return on, 6, f"client-{row['client_id']}", data

    def _account(self, row: Row) -> tuple[date, int, str, Data]:
        account = self._files.accounts[row["account_id"]]
        data = AccountOpened(
            account_id=account_id(row["account_id"]),
            customer_id=client_id(account.owner_client_id),
            kind="current",
            currency=CURRENCY,
            opened_on=account.opened_on,
            branch_id=f"berka-district-{row['district_id']}",
            statement=_STATEMENTS.get(row["frequency"]),
        )
        return account.opened_on, 7, f"account-{row['account_id']}", data

    def _derived(self, table: str, row: Row, on: date) -> Iterator[Sent]:
        """Due diligence of each party, and consents of the owner, as of the day the account opened."""
        if table == "disp":
            kyc = KycUpdated(
                customer_id=client_id(row["client_id"]),
                status="verified",
                effective_on=on,
                valid_until=on + timedelta(days=KYC_VALID_DAYS),
                basis="derived from account opening",
            )
            yield _derived(row, on, f"kyc-{row['disp_id']}", kyc)
        elif table == "account":
            owner = client_id(self._files.accounts[row["account_id"]].owner_client_id)
            for channel, purpose in _CONSENTS:
                consent = ConsentUpdated(
                    customer_id=owner, channel=channel, purpose=purpose, granted=True, effective_on=on
                )
                yield _derived(row, on, f"consent-{row['account_id']}-{channel}-{purpose}", consent)

    def _party(self, row: Row) -> tuple[date, int, str, Data]:
        party = self._files.parties[row["disp_id"]]
        on = self._files.accounts[party.account_id].opened_on
        data = AccountPartyUpdated(
            party_id=f"berka-disp-{row['disp_id']}",
            account_id=account_id(party.account_id),
            customer_id=client_id(party.client_id),
            role="owner" if party.owner else "authorised",
        )
        return on, 8, f"disp-{row['disp_id']}", data

    def _order(self, row: Row) -> tuple[date, int, str, Data]:
        account = self._files.accounts[row["account_id"]]
        data = StandingOrderUpdated(
            order_id=f"berka-order-{row['order_id']}",
            account_id=account_id(row["account_id"]),
            customer_id=client_id(account.owner_client_id),
            amount=_money(row["amount"]),
            purpose=_ORDER_PURPOSES.get(row["k_symbol"].strip(), "other"),
        )
        return account.opened_on, 8, f"order-{row['order_id']}", data

    def _transaction(self, row: Row) -> tuple[date, int, str, Data]:
        on, account = day(row["date"]), self._files.accounts[row["account_id"]]
        try:
            channel, purpose = _OPERATIONS[row["operation"]]
            direction = _DIRECTIONS[row["type"]]
        except KeyError as unknown:
            raise DataError(f"trans {row['trans_id']} has the unknown type or operation {unknown}") from None
        purpose = _PURPOSES.get(row["k_symbol"].strip(), purpose)
        data = TransactionPosted(
            transaction_id=f"berka-trans-{row['trans_id']}",
            customer_id=client_id(account.owner_client_id),
            account_id=account_id(row["account_id"]),
            amount=_money(row["amount"]),
            direction=direction,
            booking_date=on,
            channel="system" if purpose in _BY_THE_BANK else channel,
            purpose=purpose,
            counterparty_bank=row["bank"] or None,
        )
        return on, 12, f"trans-{row['trans_id']}", data

    def _loan(self, row: Row) -> tuple[date, int, str, Data]:
        account = self._files.accounts[row["account_id"]]
        product = f"berka-loan-{row['duration']}"
        return self._sale("loan", row["loan_id"], account.owner_client_id, product, row["amount"], day(row["date"]))

    def _card(self, row: Row) -> tuple[date, int, str, Data]:
        party = self._files.parties[row["disp_id"]]
        kind, on = row["type"], day(row["issued"])
        if kind not in CARD_LINES:
            raise DataError(f"card {row['card_id']} has the unknown type {kind[:20]!r}")
        return self._sale("card", row["card_id"], party.client_id, f"berka-card-{kind}", CARD_LINES[kind], on)

    def _sale(
        self, table: str, number: str, client: str, product: str, amount: str, on: date
    ) -> tuple[date, int, str, Data]:
        data = SaleRequested(
            sale_id=f"berka-{table}-{number}",
            customer_id=client_id(client),
            product_id=product,
            amount=_money(amount),
            requested_at=_at(on, 14),
            initiated_by="customer",
            channel="branch",
        )
        return on, 14, f"{table}-{number}", data

    _makers: Final[Mapping[str, Callable[["BerkaBank", Row], tuple[date, int, str, Data]]]] = {
        "client": _client,
        "account": _account,
        "disp": _party,
        "order": _order,
        "trans": _transaction,
        "loan": _loan,
        "card": _card,
    }


def _derived(row: Row, on: date, event_id: str, data: Data) -> Sent:
    return Sent("derived", row["account_id"], on, Envelope(event_id, DERIVED_SOURCE, _at(on, 7), data))


def _money(text: str) -> PositiveMoney:
    return PositiveMoney(value=text, currency=CURRENCY)


def _at(on: date, hour: int) -> datetime:
    return datetime.combine(on, time(hour), UTC)
