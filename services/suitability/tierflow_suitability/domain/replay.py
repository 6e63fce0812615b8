"""Makes a decision again from what was stored about it."""

from dataclasses import dataclass

from tierflow_suitability.domain.decide import Decision, decide_with
from tierflow_suitability.domain.packs import Rulebook, Selection
from tierflow_suitability.domain.records import DecisionRecord


@dataclass(frozen=True, slots=True)
class Replay:
    """Whether the decision comes out the same; without its very packs it cannot be made again."""

    packs_available: bool
    identical: bool
    decision: Decision | None


def replay(record: DecisionRecord, rulebook: Rulebook) -> Replay:
    """The stored case under the stored packs, with today's code."""
    packs = [rulebook.find(ref) for ref in record.decision.packs]
    found = [pack for pack in packs if pack is not None]
    if len(found) != len(packs) or not found:
        return Replay(False, False, None)
    core, *regimes = found
    regime = regimes[0] if regimes else None
    covered = regime is not None or record.case.product.category in core.categories
    decision = decide_with(record.case, Selection(core, regime, covered))
    return Replay(True, decision == record.decision, decision)
