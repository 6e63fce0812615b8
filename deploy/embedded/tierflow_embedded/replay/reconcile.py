"""The reconciliation: what was read against what each service did with it, to the last minor unit."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from tierflow_contact_planner.handlers.learning import CONSUMED_TYPES as PLANNER_TYPES
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.digests import Digests, read_digests
from tierflow_embedded.replay.feed import Counts
from tierflow_embedded.replay.outcomes import Outcomes, read_outcomes
from tierflow_embedded.replay.waiting import read_progress
from tierflow_scoring.consumers.facts import FACT_TYPES
from tierflow_scoring.handlers.commands import POSTED, REVERSED
from tierflow_shared.web.client import ApiClient
from tierflow_suitability.consumers import TYPES as SUITABILITY_TYPES

SUBSCRIBED: Final[Mapping[str, frozenset[str]]] = {
    "scoring": FACT_TYPES | {POSTED, REVERSED},
    "contact-planner": PLANNER_TYPES,
    "suitability": SUITABILITY_TYPES,
}


@dataclass(frozen=True, slots=True)
class Effects:
    """What one service did with the events of one type, against what was sent."""

    service: str
    event_type: str
    sent: int
    applied: int
    refused: int

    @property
    def lost(self) -> int:
        return max(0, self.sent - self.applied)

    @property
    def doubled(self) -> int:
        return max(0, self.applied - self.sent)


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """How many accounts the sender's books and scoring know, and where they differ (the first few)."""

    expected: int
    found: int
    equal: int
    different: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.expected == self.found == self.equal


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Everything that must agree, and what the bank looks like afterwards."""

    counts: Counts
    effects: tuple[Effects, ...]
    accounts: AccountCheck
    outcomes: Outcomes
    digests: Digests
    seconds: float
    last_booking: date | None
    dead_letters: Mapping[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Events that were read and have no effect somewhere they should."""
        return self.counts.total_read - self.counts.total_accepted + sum(one.lost for one in self.effects)

    @property
    def doubled(self) -> int:
        """Effects without an event of their own."""
        return sum(one.doubled for one in self.effects)

    @property
    def agrees(self) -> bool:
        whole = self.lost == 0 and self.doubled == 0 and not any(self.dead_letters.values())
        return whole and self.accounts.agrees and self.digests.paths_differing == 0

    def summary(self) -> dict[str, Any]:
        """The one JSON object of `--json`."""
        by_service: dict[str, dict[str, int]] = {}
        for one in self.effects:
            by_service.setdefault(one.service, {})[one.event_type] = one.applied
        return {
            "agrees": self.agrees,
            "read": dict(self.counts.read),
            "accepted": dict(self.counts.accepted),
            "effects": by_service,
            "lost": self.lost,
            "doubled": self.doubled,
            "refused": self.counts.refused,
            "dead_letters": dict(self.dead_letters),
            "accounts": self.accounts.expected,
            "accounts_equal": self.accounts.equal,
            **self.outcomes.summary(),
            "paths_differing": self.digests.paths_differing,
            "digest": self.digests.digest,
            "decisions_digest": self.digests.decisions_digest,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.counts.total_accepted / max(self.seconds, 1e-9)),
        }


def reconcile(client: ApiClient, counts: Counts, books: Books, seconds: float) -> Reconciliation:
    """Asks the services and compares. The server must hold nothing but what `books` knows."""
    progress = read_progress(client)
    outcomes = read_outcomes(client, books.last_booking)
    return Reconciliation(
        counts=counts,
        effects=tuple(check_effects(progress, books.by_type)),
        accounts=check_accounts(client, books),
        outcomes=outcomes,
        digests=read_digests(client, books.last_booking),
        seconds=seconds,
        last_booking=books.last_booking,
        dead_letters={service: int(told["dead_letters"]) for service, told in progress.items()},
    )


def check_effects(progress: Mapping[str, Any], sent: Counter[str]) -> list[Effects]:
    """For each service and each type it subscribes to: events sent against effects applied."""
    found = []
    for service, types in SUBSCRIBED.items():
        consumption = progress[service]["consumption"]
        for event_type in sorted(types & set(sent)):
            outcome = consumption.get(event_type, {})
            applied, refused = int(outcome.get("applied", 0)), int(outcome.get("refused", 0))
            found.append(Effects(service, event_type, sent[event_type], applied, refused))
    return found


def check_accounts(client: ApiClient, books: Books) -> AccountCheck:
    """Each account's signed sum (its closing balance: accounts start at zero) and number of bookings."""
    found, equal = 0, 0
    different: list[str] = []
    for account in client.pages("/scoring/v1/accounts"):
        name = account["account_id"]
        found += 1
        expected = (books.sums_minor[name], books.bookings[name])
        told = (int(account["net_minor"]), int(account["bookings"]))
        if name in books.accounts and expected == told:
            equal += 1
        elif len(different) < 5:
            different.append(f"{name}: {told[0]} of {told[1]} bookings, the files say {expected[0]} of {expected[1]}")
    return AccountCheck(len(books.accounts), found, equal, tuple(different))
