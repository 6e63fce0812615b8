"""The scoring service as an app: everything is wired here, nothing happens at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from fastapi import APIRouter, FastAPI
from sqlalchemy import Connection

from tierflow_scoring.adapters.policy_files import load_policy_set
from tierflow_scoring.adapters.queries import SqlQueries
from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.adapters.tables import METADATA
from tierflow_scoring.api.accounts import accounts_router
from tierflow_scoring.api.context import Context
from tierflow_scoring.api.customers import customers_router
from tierflow_scoring.api.policies import policies_router
from tierflow_scoring.api.pyramid import pyramid_router
from tierflow_scoring.api.standings import standings_router
from tierflow_scoring.consumers.handler import ScoringHandler
from tierflow_scoring.domain.policy import PolicySet
from tierflow_scoring.settings import ScoringSettings
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.money import Rates
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits
from tierflow_shared.store.migrations import Migrations
from tierflow_shared.stream.service import ServiceRuntime, Subscription
from tierflow_shared.tracing.opening import open_tracing
from tierflow_shared.web.app import create_service_app
from tierflow_shared.web.authority import authority_for
from tierflow_shared.web.health import Health, database_answers, log_answers
from tierflow_shared.web.operations import operations_router

SERVICE = "scoring"
MIGRATIONS = Migrations("tierflow_scoring.adapters.migrations")


def create_app(
    settings: ScoringSettings | None = None, *, bus: Bus | None = None, clock: Clock | None = None
) -> FastAPI:
    """The app. Without a bus it opens its own log file, and closes it again."""
    settings, clock = settings or ScoringSettings(), clock or SystemClock()
    metrics, health = ServiceMetrics(SERVICE), Health()
    tracing = open_tracing(settings, SERVICE)
    database = open_database(settings, clock)
    log = bus or open_bus(settings, clock)
    policies = load_policy_set(settings.policy_set, settings.base_currency)
    handler = create_handler(settings, policies, metrics)
    runtime = ServiceRuntime(
        settings,
        database,
        log,
        [Subscription(handler, [BANK_EVENTS], SERVICE)],
        owns_bus=bus is None,
        metrics=metrics,
        migrations=MIGRATIONS,
        tracing=tracing,
    )
    health.watch("consumer", runtime.is_live)
    health.depend("database", database_answers(database))
    health.depend("log", log_answers(log))

    context = Context(database, policies, settings.base_currency, SqlRepository, SqlQueries)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime.running():
            yield

    return create_service_app(
        service=SERVICE,
        title="Tierflow scoring · 客户价值评估",
        settings=settings,
        routers=[*_routers(context), operations_router(SERVICE, database, _closing)],
        lifespan=lifespan,
        authority=authority_for(settings, clock, metrics),
        metrics=metrics,
        health=health,
        tracing=tracing,
    )


def create_handler(settings: ScoringSettings, policies: PolicySet, metrics: ServiceMetrics) -> ScoringHandler:
    """What the consumer loop feeds, with the settings' rates."""
    table = msgspec.json.decode(settings.rates_path.read_bytes()) if settings.rates_path else {}
    return ScoringHandler(policies, Rates.of(settings.base_currency, table), settings, SqlRepository, metrics)


def open_database(settings: ScoringSettings, clock: Clock, *, url: str | None = None, silent: bool = False) -> Database:
    """The service's database, not connected yet; or another one with the same tables, at `url`."""
    limits, url = DatabaseLimits.of(settings), url or settings.database_url_for(SERVICE)
    return Database(url, METADATA, service=SERVICE, clock=clock, limits=limits, silent=silent)


def _closing(connection: Connection) -> int:
    return SqlRepository(connection).partitions_closing()


def _routers(context: Context) -> list[APIRouter]:
    return [
        customers_router(context),
        accounts_router(context),
        pyramid_router(context),
        standings_router(context),
        policies_router(context),
    ]
