"""`make up` as a person uses it: real Kafka, real PostgreSQL, four processes, crashes, and a restored backup."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.e2e.production import SERVERS, Production, commands, messages, production, until
from tierflow_embedded.generate.files import write_bank
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.replay.digests import Digests, read_digests
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.web.client import SERVICES, ApiClient, ApiError
from tierflow_stack.kafka import running_in, serves_metadata
from tierflow_stack.postgres import Cluster, Server

OPERATE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "operate.md"
LIMIT: Final = 2_000
PLAN: Final = BankPlan(seed=5, customers=40, days=240)


def _last_json(text: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return told


def _all_ready(operated: Production) -> bool:
    return all(" ready" in line for line in operated.status().values())


def _kill_everything(operated: Production) -> None:
    """As a power cut does it: the services, Kafka and PostgreSQL, and a torn pid file is left behind."""
    broker, cluster = running_in(operated.folder / "kafka"), Cluster(operated.folder / "postgres")
    assert broker is not None
    for pid in (*map(operated.pid, SERVICES), broker):
        os.kill(pid, signal.SIGKILL)
    cluster.kill()
    (operated.folder / "run" / "events.pid").write_text("not a number")
    until(lambda: running_in(operated.folder / "kafka") is None, "Kafka survived kill -9")


@pytest.mark.shared_data
def test_the_real_bank_through_the_production_shape_with_crashes(shared_data: Path) -> None:
    """The digests are those of the embedded shape, also when a service dies in the middle."""
    berka = f"berka {shared_data / 'berka'} --limit {LIMIT} --json"
    alone = [sys.executable, "-m", "tierflow_embedded", "replay", *berka.split()]
    embedded = _last_json(subprocess.run(alone, capture_output=True, text=True, check=True, timeout=240).stdout)

    with production({"POLICY": "berka", "CURRENCY": "CZK"}) as operated:
        shown = operated.stack("up")
        assert all(name in shown for name in (*SERVERS, *SERVICES))
        assert _all_ready(operated)
        assert "INSTANCE_ID" not in (operated.folder / "service.env").read_text(), "who sources it is another replica"
        assert b"TIERFLOW_KAFKA_INSTANCE_ID=stack" in Path(f"/proc/{operated.pid('scoring')}/environ").read_bytes()
        before = {name: line.split()[2] for name, line in operated.status().items()}
        operated.stack("up")
        assert {name: line.split()[2] for name, line in operated.status().items()} == before

        with operated.client() as client:
            _refuses_tokens_of_others(client)
            replay = operated.begin(f"replay {berka} --batch 50 --wait-for-server 60")
            until(lambda: messages(client) > 1_000, "nothing arrives")
            os.kill(operated.pid("scoring"), signal.SIGKILL)
            assert replay.poll() is None, "the crash came too late to be one in the middle"
            assert "down" in operated.status()["scoring"]
            operated.stack("restart scoring")
            told = _last_json(replay.communicate(timeout=240)[0])
        assert told["agrees"], told
        assert (told["lost"], told["doubled"], told["read"]) == (0, 0, embedded["read"])
        assert (told["digest"], told["decisions_digest"]) == (embedded["digest"], embedded["decisions_digest"])

        _kill_everything(operated)
        operated.stack("up")
        again = _last_json(operated.tierflow(f"replay {berka}"))
        assert again["agrees"], again
        assert (again["digest"], again["decisions_digest"]) == (embedded["digest"], embedded["decisions_digest"])

        operated.stack("down")
        assert all(" down" in line for line in operated.status().values())
        operated.stack("down")


def _refuses_tokens_of_others(client: ApiClient) -> None:
    """The stack believes its own issuer only."""
    assert client.get("/scoring/v1/progress")["dead_letters"] == 0
    with pytest.raises(ApiError, match="401"):
        client.call("GET", "/scoring/v1/progress", token="eyJhbGciOiJub25lIn0.e30.")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A generated bank in two files: what comes before the backup, and what comes after it."""
    whole = tmp_path / "bank.ndjson"
    write_bank(PLAN, str(whole), None, lambda _: None)
    lines = whole.read_text().splitlines(keepends=True)
    parts = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    parts[0].write_text("".join(lines[: len(lines) // 2]))
    parts[1].write_text("".join(lines[len(lines) // 2 :]))
    return parts


def _digests(operated: Production) -> Digests:
    with operated.client() as client:
        wait_for_services(client, limit_s=60)
        return read_digests(client, PLAN.end)


def test_a_backup_restored_as_the_page_says(bank: tuple[Path, Path]) -> None:
    """Databases older than the log read what they miss; a log older than the databases is not read past."""
    first, second = bank
    with production({"TIERFLOW_STALLED_AFTER_S": "5"}) as operated:
        operated.stack("up")
        operated.tierflow(f"replay cloudevents {first}")
        operated.shell(commands(OPERATE, "Back up"))
        operated.tierflow(f"replay cloudevents {second}")
        expected, reached = _digests(operated), operated.positions("scoring")

        _restore_with_offsets_kept_elsewhere(operated, reached)
        assert _digests(operated) != expected, "the control: offsets that are not in the backup lose its gap"
        operated.shell(commands(OPERATE, "Restore"))
        assert _digests(operated) == expected
        assert operated.positions("scoring") == reached

        _lose_the_log(operated)
        operated.stack("up", check=False)
        until(lambda: "stuck" in operated.status()["scoring"], "reading past a lost log was not refused", 90)
        assert operated.positions("scoring") == reached
        _find_the_log(operated)
        operated.stack("up")
        assert _digests(operated) == expected


def _restore_with_offsets_kept_elsewhere(operated: Production, reached: dict[str, int]) -> None:
    """The backup with the offsets of later, as if the broker kept them."""
    restore, start = commands(OPERATE, "Restore").rsplit("\n", 2)[0], "python -m tierflow_stack up"
    assert start not in restore
    operated.shell(restore)
    url = Cluster(operated.folder / "postgres").url("tierflow_scoring").replace("+psycopg", "")
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for place, offset in reached.items():
            topic, _, partition = place.rpartition("/")
            connection.execute(
                "UPDATE consumer_position SET next_offset = %s WHERE topic = %s AND partition = %s",
                (offset, topic, int(partition)),
            )
    operated.shell(start)


def _lose_the_log(operated: Production) -> None:
    operated.stack("down")
    (operated.folder / "kafka").rename(operated.folder / "kafka.away")


def _find_the_log(operated: Production) -> None:
    operated.stack("down")
    (operated.folder / "kafka").rename(operated.folder / "kafka.empty")
    (operated.folder / "kafka.away").rename(operated.folder / "kafka")


def _plays_the_demo(operated: Production) -> None:
    """A generated bank of which sales are confirmed and blocked by the machine's time; and only on an empty log."""
    command = 'demo --customers 40 --url "$TIERFLOW_URL" --out demo'
    shown = " ".join(operated.tierflow(command).split())
    for words in ("Private bank tiers", "Sale confirmed", "Sale blocked", "Everything agrees"):
        assert words in shown
    again = operated.shell(f". var/stack/client.env; tierflow {command}", check=False)
    assert "needs an empty Tierflow" in again


def test_servers_that_run_already_are_used_and_left_running(kafka_bootstrap: str, postgres: Server) -> None:
    """Named in the environment, they are shared under a prefix, and `down` does not touch them."""
    prefix = f"up_{os.getpid()}"
    url = postgres.url("postgres").replace("+psycopg", "")
    given = {"KAFKA_BOOTSTRAP": kafka_bootstrap, "DATABASE_URL": url, "STACK_PREFIX": prefix}
    try:
        with production(given) as operated:
            operated.stack("up")
            assert _all_ready(operated)
            assert not (operated.folder / "kafka").exists()
            assert not (operated.folder / "postgres").exists()
            _plays_the_demo(operated)
            operated.stack("down")
            shown = operated.status()
        assert [name for name, line in shown.items() if " ready" in line] == list(SERVERS)
        host, _, port = kafka_bootstrap.rpartition(":")
        assert serves_metadata(host, int(port))
    finally:
        for service in SERVICES:
            postgres.drop_database(f"{prefix}_{service.replace('-', '_')}")
