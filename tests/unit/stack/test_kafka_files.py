"""The launcher says what is missing, uses what runs already, and stops only what is its own."""

import os
from pathlib import Path

import pytest

from tierflow_stack.free_ports import free_port
from tierflow_stack.kafka import ForeignBroker, KafkaBroker, kafka, serves_metadata, stop_left_over
from tierflow_stack.kafka_files import StackError, jars, kafka_version, new_cluster_id, server_properties


def test_without_maven_the_message_names_it_and_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache and no Maven."""
    monkeypatch.setenv("TIERFLOW_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"'mvn' is needed .*apt-get install maven.*KAFKA_BOOTSTRAP"):
        jars()
    assert not list(tmp_path.glob("incoming-*"))


def test_without_java_the_message_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="'java' is needed"):
        KafkaBroker(tmp_path / "kafka").start()


def test_jars_in_the_cache_are_used_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start brings nothing."""
    monkeypatch.setenv("TIERFLOW_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    kept = tmp_path / f"kafka-{kafka_version()}"
    kept.mkdir()
    assert jars() == kept


def test_a_broker_named_in_the_environment_is_used_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started, nothing is stopped."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "somewhere:9092")
    with kafka(tmp_path) as broker:
        assert isinstance(broker, ForeignBroker)
        assert broker.bootstrap == "somewhere:9092"
    assert not list(tmp_path.iterdir())


def test_settings_of_the_caller_win(tmp_path: Path) -> None:
    """For tests that need a broker with other limits."""
    text = server_properties(tmp_path, 1, 2, {"message.max.bytes": "1000", "num.io.threads": "1"})
    assert "message.max.bytes=1000\n" in text
    assert text.count("num.io.threads=") == 1


def test_a_process_that_is_no_broker_is_not_ended(tmp_path: Path) -> None:
    """A number that the system gave to somebody else by now."""
    (tmp_path / "pid").write_text(str(os.getpid()))
    stop_left_over(tmp_path)
    stop_left_over(tmp_path / "nothing")


def test_a_port_without_a_broker_serves_no_metadata() -> None:
    """Readiness is an answer, not an open port."""
    assert not serves_metadata("127.0.0.1", free_port(), timeout_s=0.2)


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    """One in 64 random ids begins with a dash."""
    ids = {new_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(one) == 22 and one[0] != "-" for one in ids)
