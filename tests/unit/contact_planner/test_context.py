"""What all routes share: admission, the default day, and domain errors as problems."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.contact_planner.samples import MONDAY, POLICY, day
from tierflow_contact_planner.adapters.calendar_file import calendar_file
from tierflow_contact_planner.adapters.reading import SqlRecords
from tierflow_contact_planner.adapters.tables import metadata
from tierflow_contact_planner.adapters.writing import SqlWritableRecords
from tierflow_contact_planner.api.context import Context, problems
from tierflow_contact_planner.app import MIGRATIONS
from tierflow_contact_planner.domain.planning import Period
from tierflow_contact_planner.handlers.planning import PeriodError, check_period
from tierflow_contact_planner.handlers.recording import ContactOverError, NextStepError, UnknownContactError
from tierflow_contact_planner.handlers.seeing import UnknownCustomerError, UnknownManagerError
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_shared.clock import ManualClock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.privacy.vault import Vault
from tierflow_shared.store.database import Database
from tierflow_shared.store.migrations import upgrade
from tierflow_shared.web.idempotency import Idempotency
from tierflow_shared.web.problems import Problem


def context(folder: Path, overloaded: Callable[[], bool] = lambda: False) -> Context:
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    database = Database(f"sqlite:///{folder}/planner.db", metadata, service="contact-planner", clock=clock)
    upgrade(database, MIGRATIONS)
    settings = PlannerSettings(data_dir=folder)
    return Context(
        database=database,
        policy=POLICY,
        clock=clock,
        settings=settings,
        metrics=ServiceMetrics("contact-planner"),
        idempotency=Idempotency(database, keep=timedelta(days=1)),
        overloaded=overloaded,
        vault=Vault.of(settings, clock),
        reader=SqlRecords,
        writer=SqlWritableRecords,
        calendar_file=calendar_file,
    )


def test_new_work_waits_while_too_much_waits_for_the_log(tmp_path: Path) -> None:
    """429 with Retry-After; below the limit nothing happens."""
    context(tmp_path).admit()
    with pytest.raises(Problem) as refused:
        context(tmp_path, overloaded=lambda: True).admit()
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "1"})


def test_the_day_is_asked_for_else_told_else_today(tmp_path: Path) -> None:
    """A declared business date beats days seen on events, and dates only move forward."""
    here = context(tmp_path)
    with here.database.writing() as uow:
        records = SqlWritableRecords(uow.connection)
        assert here.as_of(records, None) == MONDAY
        records.note_business_dates(None, day(9))
        records.note_business_dates(None, day(8))
        assert here.as_of(records, None) == day(9)
        records.note_business_dates(day(5), None)
        records.note_business_dates(day(4), None)
        assert here.as_of(records, None) == day(5)
        assert here.as_of(records, day(1)) == day(1)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownManagerError("rm"), 404),
        (UnknownCustomerError("c"), 404),
        (UnknownContactError("ct"), 404),
        (ContactOverError("over"), 409),
        (NextStepError("before"), 422),
        (PeriodError("long"), 422),
    ],
)
def test_domain_errors_become_problems(error: Exception, status: int) -> None:
    """One table; ids are never repeated in the detail of a 404."""
    with pytest.raises(Problem) as problem, problems():
        raise error
    assert problem.value.status_code == status


@pytest.mark.parametrize("last", [-1, 31])
def test_a_period_has_one_to_so_many_days(last: int) -> None:
    """As long as the policy plans ahead."""
    check_period(Period(MONDAY, day(30)), POLICY)
    with pytest.raises(PeriodError):
        check_period(Period(MONDAY, day(last)), POLICY)
