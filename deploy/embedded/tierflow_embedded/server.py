"""Runs Tierflow in this process: the host of all four services, or one service alone."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import uvicorn
from fastapi import FastAPI

from tierflow_embedded.free_ports import free_port
from tierflow_embedded.host import Host
from tierflow_embedded.process import ServerError
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.interpreter import tune_the_interpreter
from tierflow_shared.logs import configure_logging
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.guard import GuardLimits, guarded
from tierflow_shared.web.issuer import JWKS_FILE

ServiceName = Literal["events", "scoring", "contact-planner", "suitability"]
PORTS: Final[dict[ServiceName, int]] = {"events": 8001, "scoring": 8002, "contact-planner": 8003, "suitability": 8004}
HOST_PORT: Final = 8000


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to run. `service` None means all four behind one port; what else is None, the environment says."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int | None = None
    service: ServiceName | None = None
    policy: str | None = None
    currency: str | None = None

    @property
    def listen_on(self) -> int:
        return self.port or (PORTS[self.service] if self.service else HOST_PORT)

    def overrides(self) -> dict[str, Any]:
        """What the command line says; the environment says the rest."""
        named: dict[str, Any] = {"data_dir": self.data_dir, "host": self.host, "port": self.listen_on}
        if self.currency:
            named["base_currency"] = self.currency
        return named

    def scoring_overrides(self) -> dict[str, Any]:
        """The same for scoring, which alone has policies."""
        return {**self.overrides(), **({"policy_set": self.policy} if self.policy else {})}


def build_service(
    options: ServeOptions, service: ServiceName, bus: Bus | None = None, clock: Clock | None = None
) -> FastAPI:
    """One service; without a bus it opens the shared log file itself. A process loads what it serves, nothing else."""
    named = options.overrides()
    match service:
        case "events":
            from tierflow_events.app import create_app as create_events
            from tierflow_events.settings import EventsSettings

            return create_events(EventsSettings(**named), bus=bus, clock=clock)
        case "scoring":
            from tierflow_scoring.app import create_app as create_scoring
            from tierflow_scoring.settings import ScoringSettings

            return create_scoring(ScoringSettings(**options.scoring_overrides()), bus=bus, clock=clock)
        case "contact-planner":
            from tierflow_contact_planner.app import create_app as create_contact_planner
            from tierflow_contact_planner.settings import PlannerSettings

            return create_contact_planner(PlannerSettings(**named), bus=bus, clock=clock)
        case "suitability":
            from tierflow_suitability.app import create_app as create_suitability
            from tierflow_suitability.settings import SuitabilitySettings

            return create_suitability(SuitabilitySettings(**named), bus=bus, clock=clock)


def build_host(options: ServeOptions, clock: Clock | None = None) -> Host:
    """All four services over one log and one clock. The log itself keeps the machine's time, for its leases."""
    settings = ServiceSettings(**options.overrides())
    clock = clock or SystemClock()
    bus = open_bus(settings, SystemClock())
    return Host(
        {service: build_service(options, service, bus, clock) for service in PORTS},
        jwks_path=options.data_dir / JWKS_FILE,
        close=lambda: bus.close(settings.shutdown_timeout_s),
    )


def run(options: ServeOptions) -> None:
    """Serves until it is told to stop.

    Raises:
        ServerError: it could not start; the log says why.
    """
    settings = ServiceSettings(**options.overrides())
    configure_logging(options.service or "embedded", settings.log_level)
    app = build_service(options, options.service) if options.service else build_host(options)
    server = uvicorn.Server(_config(app, options, settings))
    tune_the_interpreter()
    server.run()
    if not server.started:
        raise ServerError(f"could not serve on {options.host}:{options.listen_on}; the lines above say why")


def _config(app: Any, options: ServeOptions, settings: ServiceSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=options.host,
        port=options.listen_on,
        loop="uvloop",
        http=guarded(GuardLimits.of(settings)),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout_s)),
    )


@dataclass(slots=True)
class ThreadedServer:
    """The host on a thread of this process, reached over HTTP as any server is; the demo moves its clock."""

    options: ServeOptions
    clock: Clock
    _server: uvicorn.Server | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @staticmethod
    def on_free_port(data_dir: Path, clock: Clock, *, policy: str, currency: str) -> "ThreadedServer":
        return ThreadedServer(ServeOptions(data_dir, port=free_port(), policy=policy, currency=currency), clock)

    @property
    def url(self) -> str:
        return f"http://{self.options.host}:{self.options.listen_on}"

    def __enter__(self) -> Self:
        host = build_host(self.options, self.clock)
        self._server = uvicorn.Server(
            _config(host, self.options, ServiceSettings(**self.options.overrides(), shutdown_timeout_s=10))
        )
        self._thread = threading.Thread(target=_run_quietly(self._server), name="tierflow-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=20)


def _run_quietly(server: uvicorn.Server) -> Callable[[], None]:
    """`uvicorn` installs signal handlers only on the main thread; here the owner ends the server."""

    def work() -> None:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve())

    return work
