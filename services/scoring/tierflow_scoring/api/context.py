"""What every route works with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from tierflow_scoring.domain.days import date_of, day_of
from tierflow_scoring.domain.policy import PolicySet, Scheme
from tierflow_scoring.ports import Queries, Repository
from tierflow_shared.money import decimal_text
from tierflow_shared.store.database import Database
from tierflow_shared.web.auth import Principal
from tierflow_shared.web.problems import invalid, not_found

_MOST_DAYS_AHEAD: Final = 366


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the service that routes use."""

    database: Database
    policies: PolicySet
    currency: str
    repository: Callable[[Connection], Repository]
    queries: Callable[[Connection], Queries]

    @contextmanager
    def reading(self) -> Iterator[tuple[Repository, Queries]]:
        """One consistent view."""
        with self.database.reading() as connection:
            yield self.repository(connection), self.queries(connection)

    def scheme(self, name: str) -> Scheme:
        """The scheme of that name, or 422."""
        scheme = self.policies.scheme(name)
        if scheme is None:
            known = ", ".join(scheme.name for scheme in self.policies.schemes)
            raise invalid("query.scheme", "scheme", f"the schemes are {known}")
        return scheme

    def money(self, minor: int) -> dict[str, str]:
        """An amount in the base currency."""
        return {"value": decimal_text(minor, self.currency), "currency": self.currency}


def check_customer(principal: Principal, customer_id: str) -> None:
    """A token of one customer sees this customer alone; others look unknown."""
    if principal.customer not in (None, customer_id):
        raise not_found("customer")


def last_closed_day(repository: Repository) -> int | None:
    """The last day that is closed and, wherever it is being closed now, closed for everybody."""
    closed, opened = repository.closed_days(), repository.open_days()
    under_way = [day for partition, day in closed.items() if day < opened[partition] - 1]
    return min([max(closed.values()), *under_way]) if closed else None


def closed_day(repository: Repository, as_of: date) -> int:
    """That day as a number; 422 while it is closed for nobody."""
    last = max(repository.closed_days().values(), default=None)
    if last is None or day_of(as_of) > last:
        known = "no day is closed yet" if last is None else f"the last closed day is {date_of(last).isoformat()}"
        raise invalid("query.as_of", "closed-day", known)
    return day_of(as_of)


def day_to_fold_to(repository: Repository, as_of: date) -> int:
    """That day as a number; 422 beyond a year after the open day, for each day costs every customer a step."""
    last = max(repository.open_days().values(), default=None)
    if last is not None and day_of(as_of) > last + _MOST_DAYS_AHEAD:
        raise invalid("query.as_of", "days-ahead", f"at most a year after the open day, {date_of(last).isoformat()}")
    return day_of(as_of)
