"""The files of the Berka data set (PKDD'99 "financial"), row by row, with their traps taken out.

Dates are YYMMDD of the twentieth century; `birth_number` holds month + 50 for women; amounts have up to two
decimals; `k_symbol` is empty or one blank where nothing is said. All money is Czech crowns (CZK).
"""

import csv
import gzip
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

TABLES: Final = ("client", "account", "disp", "order", "trans", "loan", "card")
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "client": ("client_id", "birth_number", "district_id"),
    "account": ("account_id", "district_id", "frequency", "date"),
    "disp": ("disp_id", "client_id", "account_id", "type"),
    "order": ("order_id", "account_id", "amount", "k_symbol"),
    "trans": ("trans_id", "account_id", "date", "type", "operation", "amount", "k_symbol", "bank"),
    "loan": ("loan_id", "account_id", "date", "amount", "duration"),
    "card": ("card_id", "disp_id", "type", "issued"),
    "district": ("A1", "A2", "A3"),
}

Row = Mapping[str, str]


class DataError(Exception):
    """The directory or a row is not what the data set promises; the text says where."""


class Party(NamedTuple):
    """A client's right to an account."""

    client_id: str
    account_id: str
    owner: bool


class Account(NamedTuple):
    """An account with its owner."""

    opened_on: date
    owner_client_id: str


class District(NamedTuple):
    """A district and the region it lies in."""

    name: str
    region: str


class BerkaFiles:
    """The directory with the tables as `<table>.csv.gz` or `<table>.csv`, and the small tables as look-ups."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        missing = [table for table in (*TABLES, "district") if self._path(table) is None]
        if missing:
            raise DataError(f"{directory} lacks the tables {', '.join(missing)} (.csv or .csv.gz)")
        self.parties = {row["disp_id"]: _party(row) for row in self.rows("disp")}
        owners = {party.account_id: party.client_id for party in self.parties.values() if party.owner}
        self.accounts = {row["account_id"]: _account(row, owners) for row in self.rows("account")}
        self.account_of_client = _first_accounts(self.parties, self.accounts)
        self.districts = {row["A1"]: District(row["A2"], row["A3"]) for row in self.rows("district")}

    def _path(self, table: str) -> Path | None:
        names = (f"{table}.csv.gz", f"{table}.csv")
        return next((self._directory / name for name in names if (self._directory / name).is_file()), None)

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of one table in the file's order.

        Raises:
            DataError: the file cannot be read, or lacks a column.
        """
        path = self._path(table)
        assert path is not None, table
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                absent = set(_COLUMNS[table]) - set(reader.fieldnames or ())
                if absent:
                    raise DataError(f"{path.name} lacks the columns {', '.join(sorted(absent))}")
                yield from reader
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path.name} cannot be read: {error}") from None


def day(text: str) -> date:
    """YYMMDD (a time behind it does not count) of 19YY.

    Raises:
        DataError: it is not a date.
    """
    try:
        return date(1900 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise DataError(f"{text[:20]!r} is not a date of the form YYMMDD") from None


def birth_date(birth_number: str) -> date:
    """The birth date in a Czech birth number: women's months are 51 to 62."""
    month = int(birth_number[2:4])
    return day(f"{birth_number[:2]}{month - 50 if month > 50 else month:02d}{birth_number[4:6]}")


def _party(row: Row) -> Party:
    return Party(row["client_id"], row["account_id"], row["type"] == "OWNER")


def _account(row: Row, owners: Mapping[str, str]) -> Account:
    if row["account_id"] not in owners:
        raise DataError(f"account {row['account_id']} has no owner in the table disp")
    return Account(day(row["date"]), owners[row["account_id"]])


def _first_accounts(parties: Mapping[str, Party], accounts: Mapping[str, Account]) -> dict[str, str]:
    """Each client's account that opened first."""
    first: dict[str, str] = {}
    for party in parties.values():
        known = first.setdefault(party.client_id, party.account_id)
        if accounts[party.account_id].opened_on < accounts[known].opened_on:
            first[party.client_id] = party.account_id
    return first
