"""What the trial's policies would change: pyramid, moves and movers, against the live scoring over HTTP."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from tierflow_scoring.adapters.queries import SqlQueries
from tierflow_scoring.adapters.repository import SqlRepository
from tierflow_scoring.api.standings import standing_line
from tierflow_scoring.domain.days import date_of, day_of
from tierflow_scoring.domain.policy import PolicySet, Scheme
from tierflow_scoring.trial import book
from tierflow_shared.bus.port import TopicPartition
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.store.database import Database
from tierflow_shared.web.client import ApiClient

_PAGE: Final = 200
NOBODY: Final = "(none)"


class TierLine(msgspec.Struct, frozen=True):
    """How many customers stand on a tier."""

    tier: str
    live: int
    trial: int


class MoveLine(msgspec.Struct, frozen=True):
    """How many customers stand on one tier live and on another in the trial."""

    live: str
    trial: str
    direction: str
    customers: int


class MoverLine(msgspec.Struct, frozen=True):
    """One customer who would move, with the decisions of both sides ("why": measure, value, threshold)."""

    customer_id: str
    live: str
    trial: str
    direction: str
    why_live: str
    why_trial: str


class SchemeComparison(msgspec.Struct, frozen=True):
    """One scheme. `movers` holds at most as many as were asked for; `moved` counts all."""

    scheme: str
    live_version: str
    trial_version: str
    customers: int
    moved: int
    pyramid: list[TierLine]
    moves: list[MoveLine]
    movers: list[MoverLine]


class Comparison(msgspec.Struct, frozen=True):
    """Trial against live on a closed day. Only with `same_place` do the policies alone make the difference."""

    trial: str
    policies: str
    as_of: date | None
    same_place: bool
    events: dict[str, int]
    positions: dict[str, dict[str, int]]
    schemes: list[SchemeComparison]


class Sides:
    """Both sides' standings: the trial's from its database, the live ones page by page over HTTP."""

    def __init__(self, database: Database, policies: PolicySet, currency: str, live: ApiClient) -> None:
        self.database, self.policies, self.currency, self.live = database, policies, currency, live

    def compare(self, name: str, most_movers: int) -> Comparison:
        """Compares on the last day that is closed on both sides.

        Raises:
            ApiError, UnreachableError: the live scoring does not answer.
        """
        at = {_place(here): offset for here, offset in book.positions(self.database).items()}
        live_at = self._live_positions()
        pyramids = {name: self.live.get("/scoring/v1/pyramid", scheme=name) for name in self._schemes_of_both()}
        as_of = self._day(pyramids)
        return Comparison(
            trial=name,
            policies=self.policies.name,
            as_of=as_of,
            same_place=at == live_at == self._live_positions(),
            events=book.taken(self.database),
            positions={"live": live_at, "trial": at},
            schemes=[self._scheme(name, as_of, most_movers) for name in pyramids] if as_of else [],
        )

    def _live_positions(self) -> dict[str, int]:
        found = self.live.get("/scoring/v1/progress")["positions"]
        return {place: offset for place, offset in found.items() if place.startswith(f"{BANK_EVENTS}/")}

    def _schemes_of_both(self) -> list[str]:
        live = {row["scheme"] for row in self.live.get("/scoring/v1/policies")["items"]}
        return [scheme.name for scheme in self.policies.schemes if scheme.name in live]

    def _day(self, pyramids: Mapping[str, Any]) -> date | None:
        with self.database.reading() as connection:
            days = [day - 1 for day in SqlRepository(connection).open_days().values()]
        live = [date.fromisoformat(one["as_of"]) for one in pyramids.values() if one["as_of"]]
        return min(date_of(max(days)), *live) if days and live else None

    def _scheme(self, name: str, as_of: date, most_movers: int) -> SchemeComparison:
        scheme = self.policies.scheme(name)
        assert scheme is not None, "it is one of both"
        live, trial, moves = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
        movers: list[MoverLine] = []
        for before, after in self._pairs(scheme, as_of):
            was, becomes = (side["tier"] if side else NOBODY for side in (before, after))
            live[was] += 1
            trial[becomes] += 1
            if was != becomes:
                moves[was, becomes] += 1
                if len(movers) < most_movers:
                    customer_id = (before or after or {})["customer_id"]
                    direction = direction_of(was, becomes, scheme.tier_names)
                    movers.append(MoverLine(customer_id, was, becomes, direction, why(before), why(after)))
        versions = self.live.get("/scoring/v1/pyramid", scheme=name, as_of=as_of.isoformat())
        names = [*scheme.tier_names, *sorted((live.keys() | trial.keys()) - set(scheme.tier_names))]
        return SchemeComparison(
            scheme=name,
            live_version=versions["policy_version"],
            trial_version=scheme.on(day_of(as_of)).version,
            customers=live.total(),
            moved=moves.total(),
            pyramid=[TierLine(tier, live[tier], trial[tier]) for tier in names],
            moves=[
                MoveLine(was, becomes, direction_of(was, becomes, scheme.tier_names), customers)
                for (was, becomes), customers in sorted(moves.items(), key=lambda one: (-one[1], one[0]))
            ],
            movers=movers,
        )

    def _pairs(self, scheme: Scheme, as_of: date) -> Iterator[tuple[Any, Any]]:
        """Each customer's standing live and in the trial, None where there is none; both by customer id."""
        live = self.live.pages("/scoring/v1/standings", limit=_PAGE, scheme=scheme.name, as_of=as_of.isoformat())
        return merged(live, self._trial_standings(scheme, day_of(as_of)))

    def _trial_standings(self, scheme: Scheme, day: int) -> Iterator[Any]:
        after = ""
        while True:
            with self.database.reading() as connection:
                rows = SqlQueries(connection).standings(scheme.name, day, after, _PAGE)
            yield from (standing_line(row, scheme, self.currency).model_dump() for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1].customer_id


def merged(live: Iterator[Any], trial: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs the two sides by customer id; both come in its order, which is the same on all databases."""
    one, other = next(live, None), next(trial, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one["customer_id"] < other["customer_id"]):
            yield one, None
            one = next(live, None)
        elif one is None or other["customer_id"] < one["customer_id"]:
            yield None, other
            other = next(trial, None)
        else:
            yield one, other
            one, other = next(live, None), next(trial, None)


def direction_of(was: str, becomes: str, names: Sequence[str]) -> str:
    """up or down by the trial's order of tiers; "changed" where it does not know one of them."""
    if was not in names or becomes not in names:
        return "changed"
    return "up" if names.index(becomes) > names.index(was) else "down"


def why(side: Mapping[str, Any] | None) -> str:
    """A decision in one line: "average_aum 800000.00, threshold 500000.00 (2024.1, decided 2026-01-31)"."""
    if side is None:
        return "not known there"
    reasons = []
    for reason in side["reasons"]:
        threshold = f", threshold {reason['threshold']}" if reason["threshold"] is not None else ""
        points = f" gives {reason['contribution']}" if reason["contribution"] is not None else ""
        reasons.append(f"{reason['measure']} {reason['value']}{threshold}{points}")
    return f"{'; '.join(reasons)} ({side['policy_version']}, decided {side['decided_on']})"


def _place(here: TopicPartition) -> str:
    return f"{here.topic}/{here.partition}"
