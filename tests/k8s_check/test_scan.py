"""The policy scan, its exceptions, and what the checks take from the code."""

import inspect
import re
from pathlib import Path

import pytest

import tierflow_events.app
from tests.k8s_check import code
from tests.k8s_check.manifests import Build
from tests.k8s_check.schemas import Schemas
from tests.k8s_check.score import EXCEPTIONS, score
from tests.k8s_check.tools import ToolError, Tools, _from_module, _made
from tierflow_embedded import server
from tierflow_shared.bus.kafka import bus
from tierflow_shared.contracts.registry import TOPICS
from tierflow_shared.stream.service import ServiceRuntime

Built = dict[str, tuple[Build, str]]
_NOT_ADDRESSES = {
    "host", "port", "database_pool_size", "database_pool_timeout_s", "bus_path", "jwks_refetch_s", "jwks_timeout_s",
    "otlp_timeout_s",
}  # fmt: skip


def test_the_overlays_pass(built: Built, tools: Tools, schemas: Schemas) -> None:
    assert not [one for build, _ in built.values() for one in schemas.findings(build)]
    assert not list(score({name: text for name, (_, text) in built.items()}, tools))


def test_what_is_not_excused_is_said(built: Built, tools: Tools, tmp_path: Path) -> None:
    without = tmp_path / "exceptions.toml"
    without.write_text(EXCEPTIONS.read_text(encoding="utf-8").replace('"*" = "no CPU limits', '"Job/x" = "no CPU'))
    found = [one.what for one in score({"local": built["local"][1]}, tools, without)]
    assert any("CPU limit is not set" in one for one in found)
    assert any("Job/x excuses nothing" in one for one in found)


def test_a_pod_that_runs_as_anybody_is_found(built: Built, tools: Tools) -> None:
    spoilt = built["local"][1].replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
    found = [one.what for one in score({"local": spoilt, "production": built["production"][1]}, tools)]
    assert found
    assert all("writable root" in one.lower() or "read only" in one.lower() or "root" in one.lower() for one in found)


def test_every_address_among_the_settings_is_looked_at() -> None:
    """A new setting that names a server is a new way: the check must know it."""
    fields = {field for settings in code.SETTINGS.values() for field in settings.model_fields}
    like = re.compile(r"(^|_)(url|uri|host|endpoint|bootstrap|jwks|address|server|proxy)(_|$)|_url|otlp")
    found = {field for field in fields if like.search(field)}
    assert found - code.ADDRESS_FIELDS <= _NOT_ADDRESSES | {field for field in found if field.startswith("jwks_")}


def test_the_steps_of_a_drain_are_those_of_the_code() -> None:
    """Each step within the limit: the requests (uvicorn), ingest, three of the runtime, two of the log's clients."""
    runtime = inspect.getsource(ServiceRuntime._stop).count("shutdown_timeout_s")
    clients = len(re.findall(r"^ {8}await ", inspect.getsource(bus.KafkaBus.close), re.MULTILINE))
    ingest = inspect.getsource(tierflow_events.app).count("ingest.close(settings.shutdown_timeout_s)")
    requests = inspect.getsource(server).count("timeout_graceful_shutdown=")
    assert (runtime, clients, ingest, requests) == (4, 2, 1, 1)
    assert len(code.DRAIN) == requests + ingest + (runtime - 1) + clients


def test_streams_are_read_from_the_code() -> None:
    streams = code.streams()
    assert {one.group for one in streams.values()} == set(code.SERVICES)
    assert set().union(*(one.writes for one in streams.values())) == set(TOPICS)
    assert streams["scoring"].reads == {"bank.events"}
    assert streams["suitability"].writes == {"tierflow.sales", "tierflow.dead-letters"}


def test_a_module_of_another_hash_is_refused(tools: Tools, tmp_path: Path) -> None:
    assert tools.definitions.is_dir()
    with pytest.raises(ToolError, match="wanted is h1:other"):
        _from_module(tmp_path, "sigs.k8s.io/yaml@v1.6.0", "h1:other")


def test_a_tool_that_fails_leaves_nothing(tools: Tools) -> None:
    assert tools.schemas.is_dir()

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ToolError("on purpose")

    with pytest.raises(ToolError):
        _made("spoilt", b"x", fail)
    assert not list(tools.definitions.parent.glob("spoilt*"))
