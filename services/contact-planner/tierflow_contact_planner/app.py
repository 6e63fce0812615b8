"""The contact planner as an app: everything is wired here, nothing happens at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from tierflow_contact_planner.adapters.calendar_file import calendar_file
from tierflow_contact_planner.adapters.policy_files import load_policy
from tierflow_contact_planner.adapters.reading import SqlRecords
from tierflow_contact_planner.adapters.tables import metadata
from tierflow_contact_planner.adapters.writing import SqlWritableRecords
from tierflow_contact_planner.api.books import books_router
from tierflow_contact_planner.api.contacts import contacts_router
from tierflow_contact_planner.api.context import Context
from tierflow_contact_planner.api.plans import plans_router
from tierflow_contact_planner.consumers import NewsHandler
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE, ERASURES, SALES, TIERS
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.privacy.vault import Vault
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits
from tierflow_shared.store.migrations import Migrations
from tierflow_shared.stream.service import ServiceRuntime, Subscription
from tierflow_shared.tracing.opening import open_tracing
from tierflow_shared.web.app import create_service_app
from tierflow_shared.web.authority import authority_for
from tierflow_shared.web.health import Health, database_answers, log_answers
from tierflow_shared.web.idempotency import Idempotency
from tierflow_shared.web.operations import operations_router

SERVICE = "contact-planner"
MIGRATIONS = Migrations("tierflow_contact_planner.adapters.migrations")
TOPICS = (BANK_REFERENCE, BANK_EVENTS, TIERS, SALES, ERASURES)


def create_app(
    settings: PlannerSettings | None = None, *, bus: Bus | None = None, clock: Clock | None = None
) -> FastAPI:
    """The app. Without a bus it opens its own log file, and closes it again."""
    settings, clock = settings or PlannerSettings(), clock or SystemClock()
    metrics, health = ServiceMetrics(SERVICE), Health()
    tracing = open_tracing(settings, SERVICE)
    database = open_database(settings, clock)
    vault = Vault.of(settings, clock)
    log = bus or open_bus(settings, clock)
    runtime = ServiceRuntime(
        settings,
        database,
        log,
        [Subscription(NewsHandler(SqlWritableRecords, vault.forget, traced=tracing is not None), TOPICS, SERVICE)],
        owns_bus=bus is None,
        metrics=metrics,
        migrations=MIGRATIONS,
        tracing=tracing,
    )
    keep = timedelta(seconds=settings.idempotency_keep_s)
    context = Context(
        database=database,
        policy=load_policy(settings.contact_policy),
        clock=clock,
        settings=settings,
        metrics=metrics,
        idempotency=Idempotency(database, keep=keep),
        overloaded=runtime.overloaded,
        vault=vault,
        reader=SqlRecords,
        writer=SqlWritableRecords,
        calendar_file=calendar_file,
        tracing=tracing,
    )
    health.watch("consumer", runtime.is_live)
    health.depend("database", database_answers(database))
    health.depend("log", log_answers(log))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime.running():
            yield
        vault.close()

    return create_service_app(
        service=SERVICE,
        title="Tierflow contact planner · 客户接触",
        settings=settings,
        routers=[
            plans_router(context),
            contacts_router(context),
            books_router(context),
            operations_router(SERVICE, database),
        ],
        lifespan=lifespan,
        authority=authority_for(settings, clock, metrics),
        metrics=metrics,
        health=health,
        tracing=tracing,
    )


def open_database(settings: PlannerSettings, clock: Clock) -> Database:
    """The service's database, not connected yet."""
    limits, url = DatabaseLimits.of(settings), settings.database_url_for(SERVICE)
    return Database(url, metadata, service=SERVICE, clock=clock, limits=limits)
