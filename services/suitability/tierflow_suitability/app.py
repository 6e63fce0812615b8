"""The suitability service as an app: everything is wired here, nothing happens at import."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData

from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.contracts.registry import BANK_EVENTS, BANK_REFERENCE, ERASURES
from tierflow_shared.group_commit import GroupCommitter
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.privacy.vault import Vault
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits
from tierflow_shared.store.migrations import Migrations
from tierflow_shared.stream.service import ServiceRuntime, Subscription
from tierflow_shared.web.app import create_service_app
from tierflow_shared.web.auth import authority_for
from tierflow_shared.web.health import Health, database_answers, log_answers
from tierflow_shared.web.idempotency import Idempotency
from tierflow_shared.web.operations import operations_router
from tierflow_suitability.adapters.access import AccessQueries
from tierflow_suitability.adapters.intake import SaleIntake
from tierflow_suitability.adapters.opening import DeskOpener
from tierflow_suitability.adapters.policy_files import load_questionnaires, load_rulebook
from tierflow_suitability.adapters.queries import SqlQueries
from tierflow_suitability.adapters.tables import suitability_tables
from tierflow_suitability.api.access import access_router
from tierflow_suitability.api.assessments import assessments_router
from tierflow_suitability.api.context import Committer, Context
from tierflow_suitability.api.decisions import decisions_router
from tierflow_suitability.api.policies import policies_router
from tierflow_suitability.api.products import products_router
from tierflow_suitability.api.sales import SaleDoor, sales_router
from tierflow_suitability.api.steps import steps_router
from tierflow_suitability.consumers import SuitabilityHandler
from tierflow_suitability.ports import Office
from tierflow_suitability.settings import SuitabilitySettings

SERVICE = "suitability"
MIGRATIONS = Migrations("tierflow_suitability.adapters.migrations")


def create_app(
    settings: SuitabilitySettings | None = None, *, bus: Bus | None = None, clock: Clock | None = None
) -> FastAPI:
    """The app. Without arguments: settings from the environment, its own log file, the machine's clock."""
    settings, clock = settings or SuitabilitySettings(), clock or SystemClock()
    metrics, health = ServiceMetrics(SERVICE), Health()
    database = open_database(settings, clock)
    tables = suitability_tables(database.metadata)
    vault = Vault.of(settings, clock)
    office, desks = office_of(settings), DeskOpener.of(tables, metrics, vault)
    log = bus or open_bus(settings, clock)
    subscription = Subscription(
        SuitabilityHandler(desks, office, vault), [BANK_EVENTS, BANK_REFERENCE, ERASURES], SERVICE
    )
    runtime = ServiceRuntime(
        settings, database, log, [subscription], owns_bus=bus is None, metrics=metrics, migrations=MIGRATIONS
    )
    health.watch("consumer", runtime.is_live)
    health.depend("database", database_answers(database))
    health.depend("log", log_answers(log))
    context = Context(
        settings=settings,
        clock=clock,
        office=office,
        database=database,
        desks=desks,
        queries=SqlQueries(database, tables),
        idempotency=Idempotency(database, keep=timedelta(seconds=settings.idempotency_keep_s)),
        overloaded=runtime.overloaded,
        vault=vault,
    )
    access = AccessQueries(database, tables, vault)
    intake = SaleIntake(database, desks, office)
    committer: Committer = GroupCommitter(intake.commit, name="sales", max_group=settings.max_sales_per_commit)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime.running():
            yield
            await asyncio.to_thread(committer.close, settings.shutdown_timeout_s)
        vault.close()

    return create_service_app(
        service=SERVICE,
        title="Tierflow suitability · 适当性",
        settings=settings,
        routers=[
            *_routers(context, committer),
            access_router(context, access.held),
            operations_router(SERVICE, database),
        ],
        lifespan=lifespan,
        authority=authority_for(settings, clock, metrics),
        metrics=metrics,
        health=health,
    )


def open_database(settings: SuitabilitySettings, clock: Clock) -> Database:
    """The service's database, not connected yet."""
    limits, url = DatabaseLimits.of(settings), settings.database_url_for(SERVICE)
    metadata = MetaData()
    suitability_tables(metadata)
    return Database(url, metadata, service=SERVICE, clock=clock, limits=limits)


def office_of(settings: SuitabilitySettings) -> Office:
    """The rules, questionnaires and calendar that the settings name."""
    return Office(
        rulebook=load_rulebook(settings.packs_dir),
        questionnaires=load_questionnaires(settings.questionnaires_dir),
        zone=ZoneInfo(settings.time_zone),
    )


def _routers(context: Context, committer: Committer) -> list[APIRouter]:
    return [
        sales_router(context, SaleDoor(context, committer)),
        steps_router(context),
        decisions_router(context),
        assessments_router(context),
        products_router(context),
        policies_router(context.office),
    ]
