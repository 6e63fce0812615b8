"""The command line: help that teaches, one clear line for every failure, and never a traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tierflow_embedded.cli import app

COMMANDS = (
    ["serve"], ["demo"], ["generate"], ["report"], ["explain"], ["token"], ["migrate"],
    ["replay", "berka"], ["replay", "cloudevents"], ["replay", "topic"],
    ["erase"], ["access-report"], ["erasures", "export"], ["erasures", "apply"], ["keys", "new"], ["keys", "rotate"],
    ["letters", "list"], ["letters", "show"], ["letters", "replay"], ["letters", "fix"],
)  # fmt: skip
AWAY = ["--url", "http://127.0.0.1:9", "--token", "t"]


@pytest.fixture
def run() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_by_examples(run: CliRunner, command: list[str]) -> None:
    shown = run.invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert f"tierflow {' '.join(command)}" in shown.output.split("Examples:")[1]


def test_generating_writes_the_same_file_twice(run: CliRunner, tmp_path: Path) -> None:
    files = [tmp_path / "a.ndjson", tmp_path / "b.ndjson"]
    for file in files:
        shown = run.invoke(app, ["generate", "--seed", "2", "--customers", "5", "--days", "9", "--out", str(file)])
        assert shown.exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes() != b""


def test_a_token_has_three_parts_and_its_key_stays(run: CliRunner, tmp_path: Path) -> None:
    command = ["token", "--subject", "me", "--scope", "tiers:read", "--data-dir", str(tmp_path)]
    assert run.invoke(app, command).output.count(".") == 2
    key = (tmp_path / "issuer-key.json").read_bytes()
    run.invoke(app, command)
    assert (tmp_path / "issuer-key.json").read_bytes() == key


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["token", "--subject", "me", "--scope", "nonsense"], "unknown scope nonsense"),
        (["token", "--subject", "me"], "name at least one --scope"),
        (["generate", "--customers", "0", "--out", "x"], "greater than or equal to 1"),
        (["generate", "--customers", "1", "--out", "/proc/no/such/file"], "No such file"),
        (["replay", "berka", "/no/such/folder", *AWAY], "lacks the tables"),
        (["replay", "cloudevents", "/no/such/file"], "does not exist"),
        (["explain", "c-1", *AWAY], "does not answer"),
        (["explain", "c-1", "--url", "nowhere", "--token", "t"], "is not an address"),
        (["replay", "topic", "--policy", "/no/such/set", "--into", "x", *AWAY], "No such file"),
        (["replay", "topic", "--policy", "berka", "--into", "Not a name", *AWAY], "a name is"),
        (["letters", "list", *AWAY], "does not answer"),
        (["letters", "replay", *AWAY], "name letters by id"),
        (["letters", "fix", "dl-1", *AWAY], "give either --data FILE or --set"),
        (["letters", "fix", "dl-1", "--set", "amount", *AWAY], "is not FIELD=VALUE"),
        (["report", "--out", "/tmp/never.html", *AWAY], "does not answer"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_a_failure_is_one_clear_line(run: CliRunner, command: list[str], words: str) -> None:
    shown = run.invoke(app, command)
    assert shown.exit_code != 0
    assert words in " ".join(shown.output.split())
    assert "Traceback" not in shown.output


def test_migrating_makes_all_databases_and_is_safe_to_repeat(run: CliRunner, tmp_path: Path) -> None:
    command = ["migrate", "--data-dir", str(tmp_path)]
    assert run.invoke(app, command).output.count("_0002") >= 4
    assert run.invoke(app, command).output.count("nothing to do") == 4
    assert {file.name for file in tmp_path.glob("*.db")} == {
        "events.db", "scoring.db", "contact-planner.db", "suitability.db"
    }  # fmt: skip


def test_one_database_for_all_services_is_refused(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would overwrite each other's tables."""
    monkeypatch.setenv("TIERFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/one.db")
    shown = run.invoke(app, ["migrate"])
    assert shown.exit_code == 1
    assert "{service}" in shown.output
    monkeypatch.setenv("TIERFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/of_{{service}}.db")
    assert run.invoke(app, ["migrate"]).exit_code == 0
    assert (tmp_path / "of_contact_planner.db").exists()
