"""The events service: all wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from fastapi import FastAPI

from tierflow_events.adapters.dates import SqlBusinessDates
from tierflow_events.adapters.erasures import SqlErasures, book_opener
from tierflow_events.adapters.index import SqlEventIndex
from tierflow_events.adapters.letters import LetterWriter, SqlLetters
from tierflow_events.adapters.reading import Reader
from tierflow_events.adapters.tables import METADATA
from tierflow_events.api.business_date import business_date_router
from tierflow_events.api.erasures import Office, erasures_router
from tierflow_events.api.ingest import PATH, Intake, ingest_router
from tierflow_events.api.letters import Desk, letters_router
from tierflow_events.api.where import where_router
from tierflow_events.consumers import own_handler
from tierflow_events.handlers.access import PersonalLog
from tierflow_events.handlers.business_date import SERVICE, BusinessDay
from tierflow_events.handlers.fixing import Fixer
from tierflow_events.handlers.ingest import Ingest
from tierflow_events.handlers.inspecting import Inspector
from tierflow_events.handlers.replay import Replayer
from tierflow_events.handlers.sealing import Sealing
from tierflow_events.ports import EventReader, OpenReader
from tierflow_events.settings import EventsSettings
from tierflow_shared.bus.opening import open_bus
from tierflow_shared.bus.port import Bus
from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.contracts.registry import DEAD_LETTERS, ERASURES
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

MIGRATIONS = Migrations("tierflow_events.adapters.migrations")


def create_app(
    settings: EventsSettings | None = None, *, bus: Bus | None = None, clock: Clock | None = None
) -> FastAPI:
    """The app. Without arguments: settings from the environment, its own log file, the machine's clock."""
    settings, clock = settings or EventsSettings(), clock or SystemClock()
    log = bus or open_bus(settings, clock)
    metrics, health = ServiceMetrics(SERVICE), Health()
    database = open_database(settings, clock)
    vault = Vault.of(settings, clock, database)
    open_book = book_opener(vault)
    subscription = Subscription(own_handler(LetterWriter, open_book), [DEAD_LETTERS, ERASURES], SERVICE)
    runtime = ServiceRuntime(
        settings, database, log, [subscription], owns_bus=bus is None, metrics=metrics, migrations=MIGRATIONS
    )
    health.watch("dead-letter consumer", runtime.is_live)
    health.depend("database", database_answers(database))
    health.depend("log", log_answers(log))

    index, letters = SqlEventIndex(database), SqlLetters(database)
    ingest = Ingest(
        index,
        runtime.producer,
        max_waiting=settings.max_waiting_requests,
        max_group_events=settings.max_group_events,
    )

    open_reader = _open_reader(settings)

    def open_plainly(now: datetime) -> EventReader:
        return open_reader(now, "")

    inspector, fixer = Inspector(letters, log, open_plainly), Fixer(letters, log, ingest, open_plainly, vault)
    idempotency = Idempotency(database, keep=timedelta(seconds=settings.idempotency_keep_s))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime.running():
            yield
            await ingest.close(settings.shutdown_timeout_s)

    return create_service_app(
        service=SERVICE,
        title="Tierflow events",
        settings=settings,
        routers=[
            ingest_router(Intake(ingest, Sealing(vault), open_reader, settings, clock, metrics)),
            where_router(index, letters, inspector, log, settings),
            letters_router(
                Desk(letters, inspector, Replayer(letters, log, runtime.producer), fixer, idempotency, clock)
            ),
            erasures_router(Office(SqlErasures(database), open_book, PersonalLog(log, vault), idempotency)),
            business_date_router(BusinessDay(SqlBusinessDates(database), log, runtime.producer), clock),
            operations_router(SERVICE, database),
        ],
        lifespan=lifespan,
        authority=authority_for(settings, clock, metrics),
        metrics=metrics,
        health=health,
        body_limits={PATH: settings.max_batch_bytes},
    )


def open_database(settings: EventsSettings, clock: Clock) -> Database:
    """The service's database, not connected yet."""
    limits, url = DatabaseLimits.of(settings), settings.database_url_for(SERVICE)
    return Database(url, METADATA, service=SERVICE, clock=clock, limits=limits)


def _open_reader(settings: EventsSettings) -> OpenReader:
    allowed_ahead, max_depth = timedelta(seconds=settings.max_clock_ahead_s), settings.max_json_depth

    def open_reader(now: datetime, traceparent: str) -> Reader:
        return Reader(now=now, allowed_ahead=allowed_ahead, max_depth=max_depth, traceparent=traceparent)

    return open_reader
