"""Rows as they are written and read back: bulk writes, conflicts, kinds of values and their limits."""

from contextlib import nullcontext
from datetime import date

import numpy as np
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from tests.contract.store.items import HEAD, KEEP, REPLACE, WITHOUT_DAY, fail_after, items, numbers, row
from tests.databases import OpenDatabase
from tierflow_shared.store.bulk import COPY_FROM_ROWS, write_columns, write_rows
from tierflow_shared.store.dialect import insert_if_new
from tierflow_shared.store.engine import UNAVAILABLE

SIZES = (1, COPY_FROM_ROWS - 1, COPY_FROM_ROWS, 250, 251, 1_200)


@pytest.mark.parametrize("size", SIZES)
def test_rows_replace_those_of_the_same_key(open_database: OpenDatabase, size: int) -> None:
    """Inserted, then replaced, together with others in one transaction."""
    metadata, item = items()
    database = open_database(metadata)
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, REPLACE, [row(f"k{n}", n) for n in range(size)])
        write_rows(uow.connection, HEAD, REPLACE, [row(f"m{n}", n) for n in range(size)])
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, REPLACE, [row(f"k{n}", -n) for n in range(size + 1)])
    with database.reading() as connection:
        found = numbers(connection, item)
    assert found == {f"k{n}": -n for n in range(size + 1)} | {f"m{n}": n for n in range(size)}


@pytest.mark.parametrize("size", SIZES)
def test_rows_keep_those_of_the_same_key(open_database: OpenDatabase, size: int) -> None:
    """The first one stays, also within one call."""
    metadata, item = items()
    database = open_database(metadata)
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("k0", 7)])
        write_rows(uow.connection, HEAD, KEEP, [row(f"k{n // 2}", n) for n in range(size)])
    with database.reading() as connection:
        found = numbers(connection, item)
    assert found == {"k0": 7} | {f"k{n // 2}": n for n in range(size - 1, 1, -1) if n % 2 == 0}


def test_bulk_writes_go_on_after_a_rollback(open_database: OpenDatabase) -> None:
    """What the connection had prepared for them is gone with the transaction, and is made again."""
    metadata, item = items()
    database = open_database(metadata)
    with pytest.raises(ZeroDivisionError), database.writing() as uow:
        fail_after(write_rows(uow.connection, HEAD, KEEP, [row(f"a{n}", n) for n in range(100)]))
    for name in ("b", "c"):
        with database.writing() as uow:
            write_rows(uow.connection, HEAD, KEEP, [row(f"{name}{n}", n) for n in range(100)])
    with database.reading() as connection:
        assert {key[0] for key in numbers(connection, item)} == {"b", "c"}


def test_a_key_that_exists_is_an_integrity_error(open_database: OpenDatabase) -> None:
    """From a single insert and from a bulk write alike."""
    metadata, item = items()
    database = open_database(metadata)
    rows = [row(f"k{n}") for n in range(100)]
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, "", rows)
    with pytest.raises(IntegrityError), database.writing() as uow:
        write_rows(uow.connection, HEAD, "", rows)
    with pytest.raises(IntegrityError), database.writing() as uow:
        uow.connection.execute(insert(item).values(key="k1", number=1, flag=True, raw=b""))


def test_an_insert_tells_whether_it_was_new(open_database: OpenDatabase) -> None:
    metadata, item = items()
    database = open_database(metadata)
    was_new = []
    for number in range(2):
        with database.writing() as uow:
            one = {"key": "a", "number": number, "flag": False, "raw": b""}
            was_new.append(insert_if_new(uow.connection, item, one))
    assert was_new == [True, False]
    with database.reading() as connection:
        assert numbers(connection, item) == {"a": 0}


@pytest.mark.parametrize("size", [1, COPY_FROM_ROWS])
def test_values_come_back_as_they_went(open_database: OpenDatabase, size: int) -> None:
    """Largest numbers, every byte, text beyond the basic plane, nothing at all."""
    metadata, item = items()
    database = open_database(metadata)
    raw, note = bytes(range(256)) * 20, "客户 \U0001f600 'quoted' \\ \t\n %s ?"
    values = [(f"k{n}", 2**63 - 1, False, note, raw, None, -(2**31)) for n in range(size)]
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, values)
        uow.connection.execute(
            insert(item).values(key="z", number=-(2**63), flag=True, note=None, raw=b"", day=date(2026, 3, 2))
        )
    with database.reading() as connection:
        found = {one.key: one for one in connection.execute(select(item))}
    assert tuple(found["k0"]) == ("k0", 2**63 - 1, False, note, raw, None, -(2**31))
    assert found["k0"].flag is False
    assert tuple(found["z"]) == ("z", -(2**63), True, None, b"", date(2026, 3, 2), None)


@pytest.mark.parametrize("size", [1, COPY_FROM_ROWS, 1_000])
def test_columns_are_written_as_rows_are(open_database: OpenDatabase, size: int) -> None:
    """The ends of each kind of number, every byte, no byte, text of any length; and once more over the same keys."""
    metadata, item = items()
    database = open_database(metadata)
    keys, small = [f"k{n}" for n in range(size)], np.arange(size) - 2**31
    notes, raws = ["客户 \U0001f600" * (n % 3) for n in range(size)], [bytes(range(n % 257 % 256)) for n in range(size)]
    flags = np.arange(size) % 2 == 0
    for first in (-(2**63), 2**63 - size):
        wide = np.array(range(first, first + size), np.int64)
        with database.writing() as uow:
            write_columns(uow.connection, WITHOUT_DAY, REPLACE, [keys, wide, flags, notes, raws, small])
        with database.reading() as connection:
            found = {one.key: tuple(one) for one in connection.execute(select(item))}
        columns = zip(keys, wide.tolist(), flags.tolist(), notes, raws, small.tolist(), strict=True)
        assert found == {key: (key, n, flag, note, raw, None, s) for key, n, flag, note, raw, s in columns}


@pytest.mark.parametrize("size", [1, COPY_FROM_ROWS])
def test_a_column_with_a_number_that_does_not_fit_is_refused(open_database: OpenDatabase, size: int) -> None:
    """PostgreSQL has narrow integers; SQLite has not. Nothing of the transaction stays."""
    metadata, item = items()
    database = open_database(metadata)
    is_refused = database.engine.dialect.name == "postgresql"
    keys, numbers_, flags = [f"k{n}" for n in range(size)], np.zeros(size, np.int64), np.ones(size, np.bool_)
    columns = [keys, numbers_, flags, keys, [b""] * size, numbers_ + 2**31]
    refusal = pytest.raises((DBAPIError, OverflowError)) if is_refused else nullcontext()
    with refusal, database.writing() as uow:
        write_columns(uow.connection, WITHOUT_DAY, REPLACE, columns)
    with database.reading() as connection:
        assert len(numbers(connection, item)) == (0 if is_refused else size)


@pytest.mark.parametrize("size", [1, COPY_FROM_ROWS])
def test_a_number_that_does_not_fit_is_refused(open_database: OpenDatabase, size: int) -> None:
    """Nothing of the transaction stays, it is no reason to try again, and the connection goes on."""
    metadata, item = items()
    database = open_database(metadata)
    with pytest.raises((DBAPIError, OverflowError)) as refused, database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row(f"k{n}", 2**63) for n in range(size)])
    assert not isinstance(refused.value, UNAVAILABLE)
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row("a", 1)])
    with database.reading() as connection:
        assert numbers(connection, item) == {"a": 1}


@pytest.mark.parametrize("size", [1, COPY_FROM_ROWS])
@pytest.mark.parametrize("text", ["a\x00b", "x" * 65])
def test_text_is_never_cut(open_database: OpenDatabase, text: str, size: int) -> None:
    """NUL and more characters than the column says: PostgreSQL refuses them, SQLite keeps them whole."""
    metadata, item = items()
    database = open_database(metadata)
    is_refused = database.engine.dialect.name == "postgresql"
    with pytest.raises(DataError) if is_refused else nullcontext(), database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row(text, 1), *(row(f"k{n}") for n in range(size - 1))])
    with database.reading() as connection:
        found = numbers(connection, item)
    assert found == {} if is_refused else found[text] == 1


def test_text_is_ordered_by_code_points(open_database: OpenDatabase) -> None:
    """Pages and digests go by this order, so it is the same everywhere, and Python's."""
    metadata, item = items()
    database = open_database(metadata)
    keys = ["b", "a", "B", "A", "_", "-", "a-b", "ab", "aB", "é", "z", "中", "\U0001f600", "ｆ", "10", "9"]
    with database.writing() as uow:
        write_rows(uow.connection, HEAD, KEEP, [row(key) for key in keys])
    with database.reading() as connection:
        found = list(connection.execute(select(item.c.key).order_by(item.c.key)).scalars())
        after = list(connection.execute(select(item.c.key).where(item.c.key > "Z").order_by(item.c.key)).scalars())
    assert found == sorted(keys)
    assert after == [key for key in sorted(keys) if key > "Z"]
