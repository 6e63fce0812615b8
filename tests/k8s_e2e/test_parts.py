"""The parts of `make k8s-e2e` that decide: what a caller notices, what a step was, what a replay said."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer import Exit

from tests.k8s_e2e.__main__ import main
from tests.k8s_e2e.images import images_of
from tests.k8s_e2e.kubectl import ClusterError, until
from tests.k8s_e2e.notes import FailedError, Notes, must
from tests.k8s_e2e.probe import Reader
from tests.k8s_e2e.replays import told


class Moody(BaseHTTPRequestHandler):
    """Answers as the path says; `/closed` closes the first connection without an answer."""

    protocol_version = "HTTP/1.1"
    closed_once = False

    def do_GET(self) -> None:
        if self.path == "/closed" and not type(self).closed_once:
            type(self).closed_once = True
            self.close_connection = True
            return
        self.send_response(503 if self.path == "/away" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def _read(server: str, path: str) -> Reader:
    with Reader(server, [path], lambda: "t") as reader:
        until(lambda: reader.tally.requests >= 3, "three requests", 30)
    return reader


def test_a_reader_counts_what_fails(server: str) -> None:
    tally = _read(server, "/away").tally
    assert tally.failed["503"] == tally.requests
    assert tally.examples[0] == "/away: 503"
    assert not _read(server, "/fine").tally.failed


def test_a_closed_connection_is_tried_once_more(server: str) -> None:
    Moody.closed_once = False
    tally = _read(server, "/closed").tally
    assert (tally.again, tally.failed.total()) == (1, 0)


def test_a_server_that_is_gone_is_a_failure(server: str) -> None:
    with Reader("http://127.0.0.1:9", ["/"], lambda: "t") as reader:
        until(lambda: reader.tally.failed.total() > 0, "a failure", 30)
    assert set(reader.tally.failed) == {"ConnectError"}


def test_one_step_that_fails_spoils_the_report() -> None:
    said: list[str] = []
    notes = Notes(said.append)
    assert not notes.report({})["ok"], "nothing was done"
    with notes.step("good") as seen:
        seen["pods"] = 3
    assert notes.report({})["ok"]
    assert not notes.report({"problem": "no cluster"})["ok"]
    with pytest.raises(FailedError, match="two are not one"), notes.step("bad"):
        must(False, "two are not one")
    report = notes.report({})
    assert not report["ok"]
    assert [step["ok"] for step in report["steps"]] == [True, False]
    assert "pods 3" in said[1]


def test_a_replay_without_a_result_is_a_failure() -> None:
    assert told('waiting\n{"agrees": true}\n', "")["agrees"]
    with pytest.raises(FailedError, match="no progress"):
        told("", "Error: no progress for 60 s")


def test_images_are_found_by_their_full_names() -> None:
    manifests = """
spec:
  template: {spec: {initContainers: [{image: "tierflow:1"}], containers: [{image: docker.io/library/postgres:15}]}}
---
kind: Service
"""
    assert images_of(manifests) == {"docker.io/library/tierflow:1", "docker.io/library/postgres:15"}


def test_waiting_in_vain_is_said() -> None:
    with pytest.raises(ClusterError, match="in vain: rain"):
        until(lambda: False, "rain", 0)


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(Exit) as left:
        main()
    assert left.value.exit_code == 2
    assert "no cluster is given" in capsys.readouterr().out
