"""The real bank: to the last heller, in any order and any batch size, and through a crash."""

import json
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from tierflow_embedded.process import ServerProcess
from tierflow_embedded.replay.berka import CURRENCY, Selection
from tierflow_embedded.replay.berka_files import BerkaFiles
from tierflow_embedded.replay.reconcile import Reconciliation
from tierflow_embedded.replay.session import POLICY, BerkaReplay, berka_server, replay_berka, send_berka

pytestmark = pytest.mark.shared_data

SPRING: Final = Selection(to_date=date(1993, 5, 31))
FIRST: Final = Selection(limit=150)


class Quiet:
    """Shows no progress; calls `on_sent` with the number of events sent so far."""

    def __init__(self, on_sent: object = None) -> None:
        self._on_sent, self.sent = on_sent, 0

    def counter(self, description: str, total: int | None = None) -> "Quiet":
        return self

    def advance(self, by: int) -> None:
        self.sent += by
        if callable(self._on_sent):
            self._on_sent(self.sent)

    def show(self, completed: int) -> None: ...

    def finish(self) -> None: ...


def _replay(directory: Path, selection: Selection, *, shuffle: int | None = None, batch: int = 500) -> Reconciliation:
    wanted = BerkaReplay(directory=directory, selection=selection, shuffle=shuffle, batch=batch)
    return replay_berka(wanted, Quiet())


@pytest.fixture(scope="module")
def berka(shared_data: Path) -> Path:
    return shared_data / "berka"


@pytest.fixture(scope="module")
def spring(berka: Path) -> Reconciliation:
    return _replay(berka, SPRING)


def test_a_season_reconciles_row_by_row_and_account_by_account(spring: Reconciliation) -> None:
    assert (spring.lost, spring.doubled) == (0, 0)
    assert spring.accounts.agrees, spring.accounts.different
    assert spring.agrees
    told = spring.summary()
    assert (told["read"]["account"], told["read"]["loan"], told["read"]["card"]) == (4_500, 682, 892)
    assert sum(told["sales"].values()) == 682 + 892
    assert sum(told["tiers"]["private-bank"].values()) > 0


def test_the_digest_does_not_depend_on_the_order_of_events(berka: Path, spring: Reconciliation) -> None:
    shuffled = _replay(berka, SPRING, shuffle=1)
    assert shuffled.agrees
    assert shuffled.digests.digest == spring.digests.digest
    assert shuffled.summary()["tiers"] == spring.summary()["tiers"]


def test_neither_digest_depends_on_the_size_of_batches(berka: Path) -> None:
    one, many = (_replay(berka, FIRST, batch=size) for size in (1, 500))
    assert one.counts.read["trans"] == 150
    assert one.agrees
    assert (one.digests.digest, one.digests.decisions_digest) == (many.digests.digest, many.digests.decisions_digest)


def test_a_crash_in_the_middle_changes_nothing(berka: Path, spring: Reconciliation, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--policy", POLICY, "--currency", CURRENCY).start()
    wanted = BerkaReplay(berka, SPRING, url=server.url, data_dir=tmp_path, patience_s=60)
    crashes: list[threading.Thread] = []

    def crash(sent: int) -> None:
        """Kills the server while the next batch is on its way, and starts it again."""
        if sent > 15_000 and not crashes:
            crashes.append(threading.Thread(target=lambda: (server.kill(), server.spawn())))
            crashes[0].start()

    try:
        files = BerkaFiles(berka)
        with berka_server(wanted) as client:
            send_berka(client, files, wanted, Quiet(crash))
            crashes[0].join(timeout=30)
            again = send_berka(client, files, wanted, Quiet())
    finally:
        server.stop()
    assert again.agrees, (again.summary(), again.accounts.different)
    assert again.counts.duplicates == again.counts.read
    assert again.digests == spring.digests


def test_the_command_s_last_line_is_one_json_object(berka: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tierflow_embedded", "replay", "berka", str(berka), "--json", "--limit", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert {
        "read", "accepted", "effects", "lost", "doubled", "accounts", "accounts_equal", "tiers", "sales",
        "digest", "decisions_digest", "seconds", "events_per_second",
    } <= set(told)  # fmt: skip
    assert told["read"]["trans"] == told["accepted"]["trans"] == 300
    assert told["accounts"] == told["accounts_equal"]
