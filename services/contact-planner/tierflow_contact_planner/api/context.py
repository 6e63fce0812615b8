"""What every route works with, and the one table from domain errors to problems."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from tierflow_contact_planner.api.views import Views, product_ids
from tierflow_contact_planner.domain.contacts import Contact
from tierflow_contact_planner.domain.due import DueContact
from tierflow_contact_planner.domain.policy import Hours, Policy
from tierflow_contact_planner.handlers.planning import PeriodError
from tierflow_contact_planner.handlers.recording import ContactOverError, NextStepError, UnknownContactError
from tierflow_contact_planner.handlers.seeing import UnknownCustomerError, UnknownManagerError
from tierflow_contact_planner.ports import Records, WritableRecords
from tierflow_contact_planner.settings import PlannerSettings
from tierflow_shared.clock import Clock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.store.database import Database
from tierflow_shared.web.idempotency import Idempotency
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem, conflict, invalid, not_found


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the service that routes use."""

    database: Database
    policy: Policy
    clock: Clock
    settings: PlannerSettings
    metrics: ServiceMetrics
    idempotency: Idempotency
    overloaded: Callable[[], bool]
    reader: Callable[[Connection], Records]
    writer: Callable[[Connection], WritableRecords]
    calendar_file: Callable[[Sequence[Contact], Hours, Policy, datetime], bytes]

    @contextmanager
    def reading(self) -> Iterator[Records]:
        """One consistent view; domain errors leave it as problems."""
        with problems(), self.database.reading() as connection:
            yield self.reader(connection)

    def admit(self) -> None:
        """Refuses new work with 429 while too much of what was said waits for the bus."""
        if self.overloaded():
            detail = "too many messages wait for the log; nothing was done"
            raise Problem(429, "too-busy", "Too busy", detail, headers={"Retry-After": "1"})

    def views(self, records: Records, shown: Iterable[Contact | DueContact]) -> Views:
        """Views that know the products these contacts name."""
        return Views(self.policy, records.product_names(product_ids(one.reasons for one in shown)))

    def as_of(self, records: Records, asked: date | None) -> date:
        """The day asked for, else the latest business date that events told, else today."""
        return asked or records.business_date() or self.clock.now().date()


def check_manager(principal: Principal, rm_id: str) -> None:
    """A manager's token sees this manager alone; others look unknown."""
    if principal.rm not in (None, rm_id):
        raise not_found("relationship manager")


@contextmanager
def problems() -> Iterator[None]:
    """Domain errors become problem details here and nowhere else."""
    try:
        yield
    except UnknownManagerError:
        raise not_found("relationship manager") from None
    except UnknownCustomerError:
        raise not_found("customer") from None
    except UnknownContactError:
        raise not_found("contact") from None
    except ContactOverError as error:
        raise conflict(str(error), code="contact-over", field="path.contact_id", rule="open-contact") from None
    except NextStepError as error:
        raise invalid("body.next_step_on", "after-contact", str(error)) from None
    except PeriodError as error:
        raise invalid("to", "period", str(error)) from None
