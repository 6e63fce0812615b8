"""What the code needs of the manifests: read from the code itself."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import tierflow_contact_planner.app
import tierflow_events.app
import tierflow_scoring.app
import tierflow_suitability.app
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_embedded.server import PORTS
from tierflow_events.settings import EventsSettings
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.contracts.registry import DEAD_LETTERS, EVENT_TYPES, TOPICS, TYPE_OF_DATA
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.health import Health, health_router
from tierflow_suitability.settings import SuitabilitySettings

SETTINGS: Final[Mapping[str, type[ServiceSettings]]] = {
    "events": EventsSettings,
    "scoring": ScoringSettings,
    "contact-planner": PlannerSettings,
    "suitability": SuitabilitySettings,
}
APPS: Final[Mapping[str, ModuleType]] = {
    "events": tierflow_events.app,
    "scoring": tierflow_scoring.app,
    "contact-planner": tierflow_contact_planner.app,
    "suitability": tierflow_suitability.app,
}
SERVICES: Final = tuple(SETTINGS)
SERVICE_PORTS: Final[Mapping[str, int]] = {str(name): port for name, port in PORTS.items()}
ADDRESS_FIELDS: Final = frozenset({"kafka_bootstrap", "database_url", "jwks", "keys_url", "otlp_endpoint"})
"""Settings that name a server which the service talks to; a test looks that none is forgotten."""
CLIENT_VARIABLES: Final = frozenset({"TIERFLOW_URL", "TIERFLOW_TOKEN", "TIERFLOW_TRIAL_DATABASE_URL"})
"""Variables of the command line's own, beside the settings."""
DRAIN: Final = ("requests", "ingest", "loops", "relay", "producer", "consumers", "admin")
"""What a service ends one after the other when it is told to, each within TIERFLOW_SHUTDOWN_TIMEOUT_S."""
TRIAL_GROUPS: Final = "scoring-trial-"


@dataclass(frozen=True, slots=True)
class Streams:
    """What a service does with topics, under which group."""

    group: str
    reads: frozenset[str]
    writes: frozenset[str]


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"TIERFLOW_{field.upper()}"


def variables(service: str) -> frozenset[str]:
    """All settings of a service, as variables."""
    return frozenset(variable(field) for field in SETTINGS[service].model_fields)


def public_paths() -> frozenset[str]:
    """Health and metrics, at the root of each service."""
    router = health_router("events", Health(), ServiceMetrics("events"))
    return frozenset(str(getattr(route, "path", "")) for route in router.routes)


@cache
def streams() -> dict[str, Streams]:
    """Topics that each service reads and writes.

    Events looks into each topic that somebody reads, to show where a message is and to send a dead letter's message
    again to where it was; it also writes what the bank sends.
    """
    read = {name: _subscribed(module) for name, module in APPS.items()}
    inbound = {one.topic for one in EVENT_TYPES.values() if one.direction == "in"}
    again = frozenset().union(*read.values())
    found = {}
    for name, module in APPS.items():
        writes = _said(module) | {DEAD_LETTERS}
        reads = read[name]
        if name == "events":
            writes, reads = writes | inbound | again, reads | again
        assert writes | reads <= set(TOPICS)
        found[name] = Streams(str(module.SERVICE), frozenset(reads), frozenset(writes))
    return found


def _subscribed(module: ModuleType) -> frozenset[str]:
    """The topics in the module's `Subscription(handler, topics, group)`."""
    calls = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Subscription"
    ]
    assert calls, f"{module.__name__} subscribes to nothing"
    topics: set[str] = set()
    for call in calls:
        found: Any = eval(compile(ast.Expression(call.args[1]), module.__name__, "eval"), vars(module))
        topics.update(found)
    return frozenset(topics)


def _said(module: ModuleType) -> frozenset[str]:
    """The topics of the events that the service's package makes."""
    made: set[str] = set()
    names = {data.__name__: event.topic for data, event in TYPE_OF_DATA.items() if event.direction != "in"}
    for path in Path(str(module.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                made.update([names[name]] if name in names else [])
    return frozenset(made)
