"""Compares what was acknowledged with what took effect; reads for itself and knows no product code."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from tests.chaos import ledger, outcomes
from tests.chaos.expected import Expected
from tests.chaos.poison import REFUSED_BY, SOURCE
from tests.chaos.reading import Entry, Source

_EXAMPLES: Final = 8
_DATED: Final = "tierflow.business-date.advanced.v1"
_SCORING_WANTS: Final = (
    "bank.customer.updated.v1", "bank.account.opened.v1", "bank.kyc.updated.v1", "bank.holding.updated.v1",
    "bank.transaction.posted.v1", "bank.transaction.reversed.v1", _DATED,
)  # fmt: skip
_TOLD: Final = (
    "tierflow.tier.changed.v1", "tierflow.tier.pending.v1", "tierflow.sale.decided.v1", "tierflow.sale.confirmed.v1",
    "tierflow.sale.rejected.v1",
)  # fmt: skip
WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "scoring": _SCORING_WANTS,
    "suitability": (
        "bank.customer.updated.v1", "bank.kyc.updated.v1", "bank.holding.updated.v1", "bank.sale.requested.v1",
        "bank.product.updated.v1", _DATED,
    ),
    "contact-planner": (
        "bank.customer.updated.v1", "bank.account.opened.v1", "bank.kyc.updated.v1", "bank.consent.updated.v1",
        "bank.holding.updated.v1", "bank.product.updated.v1", _DATED, *_TOLD,
    ),
    "events": ("tierflow.dead-letter.recorded.v1",),
}  # fmt: skip
# Where "applied" means the first sight of an id, and nothing else.
_BY_ID: Final = {
    "scoring": ("bank.transaction.posted.v1", "bank.transaction.reversed.v1"),
    "suitability": ("bank.kyc.updated.v1", "bank.holding.updated.v1", "bank.sale.requested.v1"),
    "contact-planner": ("bank.kyc.updated.v1", "bank.consent.updated.v1", *_TOLD),
    "events": ("tierflow.dead-letter.recorded.v1",),
}


@dataclass(slots=True)
class Findings:
    """Counts of what is wrong, with a few examples of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    compared: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, example: str, count: int = 1) -> None:
        """`kind` is lost, doubled, reordered or wrong_state."""
        self.counts[kind] += count
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(example)

    def differ(self, kind: str, what: str, found: object, wanted: object) -> None:
        """A finding if the two are not equal."""
        if found != wanted:
            self.add(kind, f"{what}: {found} instead of {wanted}")

    @property
    def is_clean(self) -> bool:
        return not any(self.counts.values())


@dataclass(slots=True)
class Log:
    """What the checker keeps of the log."""

    order: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # key: ids by first appearance
    seen: set[str] = field(default_factory=set)
    records: Counter[str] = field(default_factory=Counter)  # by type, every copy
    distinct: Counter[str] = field(default_factory=Counter)  # by type, each id once
    poisons: dict[tuple[str, int, int], str] = field(default_factory=dict)
    poisoned: Counter[str] = field(default_factory=Counter)  # by type
    copies: int = 0


def check(source: Source, truth: Expected, get: Callable[[str], Any], sample: Iterable[str], end: str) -> Findings:
    """Everything. `get` asks the services over HTTP; `sample` are customers whose tiers are computed anew."""
    findings = Findings()
    log = Log()
    for topic in ("bank.events", "bank.reference"):
        _read_bank(source, topic, log)
    _order(truth, log, findings)
    ledger.check(source, truth, findings)
    letters = _letters(source, log, findings)
    told = outcomes.read(source, log, findings)
    _consumption(source, log, letters, findings)
    outcomes.check_tiers(source, told, findings)
    outcomes.check_sales(source, truth, told, findings)
    outcomes.check_paths(truth, get, sample, end, findings)
    return findings


def _read_bank(source: Source, topic: str, log: Log) -> None:
    for entry in source.log(topic):
        log.records[entry.type] += 1
        if entry.header("ce_source") == SOURCE:
            log.poisons[entry.topic, entry.partition, entry.offset] = entry.header("poison")
            log.poisoned[entry.type] += 1
        else:
            _first_sight(entry, log)


def _first_sight(entry: Entry, log: Log) -> None:
    if entry.id in log.seen:
        log.copies += 1
        return
    log.seen.add(entry.id)
    log.distinct[entry.type] += 1
    if entry.type != _DATED:
        log.order[entry.key].append(entry.id)


def _order(truth: Expected, log: Log, findings: Findings) -> None:
    """Everything acknowledged lies on the log, once its copies are set aside, in the order of its producer."""
    for key, sent in truth.sent.items():
        found = log.order.get(key, [])
        findings.compared["events on the log"] += len(sent)
        if found == sent:
            continue
        missing, foreign = set(sent) - set(found), set(found) - set(sent)
        if missing:
            findings.add("lost", f"{key}: {len(missing)} events are not on the log, {min(missing)} first", len(missing))
        if foreign:
            findings.add("wrong_state", f"{key}: {len(foreign)} events nobody sent, {min(foreign)}", len(foreign))
        in_both = [one for one in sent if one not in missing]
        places = {one: place for place, one in enumerate(found)}
        turned = sum(places[left] > places[right] for left, right in pairwise(in_both))
        if turned:
            findings.add("reordered", f"{key}: {turned} neighbours lie the other way round", turned)


def _letters(source: Source, log: Log, findings: Findings) -> Counter[str]:
    """Dead letters lie exactly where poison lies, at each service that reads it; operations sees all of them."""
    count: Counter[str] = Counter()
    shown = {
        (service, topic, partition, offset)
        for service, topic, partition, offset in source.rows(
            "events", 'SELECT service, topic, partition, "offset" FROM letter'
        )
    }
    everywhere: set[tuple[str, str, int, int]] = set()
    for service in ("scoring", "contact-planner", "suitability"):
        rows = source.rows(service, 'SELECT topic, partition, "offset", reason FROM dead_letter')
        found = {(topic, partition, offset): reason for topic, partition, offset, reason in rows}
        wanted = {place for place, kind in log.poisons.items() if service in REFUSED_BY[kind]}
        findings.compared["dead letters"] += len(wanted)
        for place in wanted - found.keys():
            findings.add("lost", f"{service} kept no dead letter of {log.poisons[place]} at {place}")
        for place in found.keys() - wanted:
            findings.add("wrong_state", f"{service} refused {place}: {found[place]}")
        count[service] = len(rows)
        everywhere |= {(service, *place) for place in found}
    for letter in everywhere - shown:
        findings.add("lost", f"operations does not see the dead letter {letter}")
    for letter in shown - everywhere:
        findings.add("wrong_state", f"operations sees a dead letter that nobody wrote: {letter}")
    return count


def _consumption(source: Source, log: Log, letters: Counter[str], findings: Findings) -> None:
    """Each service counted each message of the log exactly once, and applied each id exactly once."""
    for service, types in WANTED.items():
        rows = source.rows(service, "SELECT event_type, outcome, count FROM consumption")
        counted = {(event_type, outcome): count for event_type, outcome, count in rows}
        for event_type in types:
            outcomes_of = [counted.get((event_type, one), 0) for one in ("applied", "duplicate", "refused")]
            total, wanted = sum(outcomes_of), log.records[event_type]
            findings.compared["messages consumed"] += wanted
            if total != wanted:
                kind = "lost" if total < wanted else "doubled"
                findings.add(kind, f"{service} took {total} of {wanted} {event_type}", abs(total - wanted))
            if event_type in _BY_ID[service] and outcomes_of[0] != log.distinct[event_type]:
                kind = "lost" if outcomes_of[0] < log.distinct[event_type] else "doubled"
                found = f"{service} applied {outcomes_of[0]} {event_type}, there are {log.distinct[event_type]} ids"
                findings.add(kind, found, abs(outcomes_of[0] - log.distinct[event_type]))
        if service in letters:
            refused = sum(count for (_, outcome), count in counted.items() if outcome == "refused")
            findings.differ("wrong_state", f"{service}: refusals counted", refused, letters[service])
