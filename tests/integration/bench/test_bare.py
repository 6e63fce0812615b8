"""The bare limit writes what scoring writes: the same rows in every table, with the offsets behind them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.streaming.portions import Bulk, portions

from tierflow_scoring.adapters.tables import METADATA
from tierflow_shared.store.tables import shared_tables
from tierflow_stack.postgres import Server, database

EVENTS, CUSTOMERS, SEED, PARTITIONS, PORTION = 1_000, 40, 5, 2, 300
_WHEN_WRITTEN = {"created_at_ms", "body", "known_at_ms", "seq", "known_from_ms", "recorded_at_ms"}
_NOT_OF_ONE_PORTION = {"consumer_position", "alembic_version"}
Rows = list[tuple[Any, ...]]


def run(url: str, *words: object) -> None:
    command = [sys.executable, "-m", "bench.streaming.bare", *map(str, words)]
    environment = {**os.environ, "TIERFLOW_DATABASE_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


def contents(url: str) -> Mapping[str, Rows]:
    """Every table's rows, without the columns that say when a row was written."""
    shared_tables(METADATA)
    found: dict[str, Rows] = {}
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for table in METADATA.sorted_tables:
            if table.name not in _NOT_OF_ONE_PORTION:
                columns = [f'"{column.name}"' for column in table.columns if column.name not in _WHEN_WRITTEN]
                found[table.name] = sorted(
                    connection.execute(f"SELECT {', '.join(columns)} FROM {table.name}").fetchall(),  # type: ignore[call-overload]
                    key=repr,
                )
    return found


@pytest.fixture
def recorded(postgres: Server, tmp_path: Path) -> tuple[Path, Mapping[str, Rows]]:
    """The folder of a recording, and what scoring itself left in its database."""
    with database(postgres) as url:
        run(url, "record", EVENTS, CUSTOMERS, SEED, PARTITIONS, PORTION, tmp_path)
        return tmp_path, contents(url)


def test_the_limit_leaves_what_scoring_left(
    postgres: Server, recorded: tuple[Path, Mapping[str, Rows]], tmp_path: Path
) -> None:
    folder, scored = recorded
    kept = list(portions(folder))
    assert len(kept) == -(-EVENTS // PORTION)
    assert sum(kept[-1].offsets) == EVENTS
    assert any(isinstance(write, Bulk) for portion in kept for write in portion.writes)
    with database(postgres) as url:
        run(url, "replay", folder, PARTITIONS, "--data-dir", tmp_path)
        assert contents(url) == scored
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            rows = connection.execute("SELECT next_offset FROM consumer_position ORDER BY partition").fetchall()
    assert [offset for (offset,) in rows] == list(kept[-1].offsets)


def test_a_recording_with_a_hole_leaves_something_else(
    postgres: Server, recorded: tuple[Path, Mapping[str, Rows]], tmp_path: Path
) -> None:
    """The control."""
    folder, scored = recorded
    sorted(folder.glob("*.portion"))[1].unlink()
    with database(postgres) as url:
        run(url, "replay", folder, PARTITIONS, "--data-dir", tmp_path)
        assert contents(url) != scored
