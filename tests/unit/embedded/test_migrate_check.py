"""`tierflow migrate --check --patience`: what a roll-out waits by."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from typer.testing import CliRunner

from tierflow_embedded.cli import app
from tierflow_embedded.schemas import NotYetError, check_service, migrate_service, patiently

AWAY = {"TIERFLOW_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/tierflow_{service}"}


def test_a_check_changes_nothing_and_fails_until_somebody_migrates(tmp_path: Path) -> None:
    run, command = CliRunner(), ["migrate", "--service", "events", "--data-dir", str(tmp_path)]
    before = run.invoke(app, [*command, "--check"])
    assert before.exit_code == 1
    assert "run `tierflow migrate --service events`" in before.output
    engine = create_engine(f"sqlite:///{tmp_path / 'events.db'}")
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    assert run.invoke(app, command).exit_code == 0
    after = run.invoke(app, [*command, "--check"])
    assert (after.exit_code, after.output) == (0, "events: up to date\n")


def test_a_patient_check_returns_when_another_has_migrated(tmp_path: Path) -> None:
    """Somebody else migrates while the check pauses, and it looks again."""
    pauses = list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        migrate_service("events", tmp_path, "head")

    patiently(lambda: check_service("events", tmp_path), 60, pause=pause)
    assert len(pauses) == 1


def test_patience_ends(tmp_path: Path) -> None:
    with pytest.raises(NotYetError):
        patiently(lambda: check_service("events", tmp_path), 0.3)


def test_a_database_that_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    command = ["migrate", "--service", "events", "--patience", "0.3", "--data-dir", str(tmp_path)]
    shown = CliRunner().invoke(app, command, env=AWAY)
    assert shown.exit_code == 1
    assert shown.output.startswith("Error: the database does not answer")
