"""A bucket: all that happened on one account of one customer on one booking day, and the ledger of its events.

The ledger keeps 16 bytes of identity and 8 bytes of content per event beside the numbers that the event changed, so a
producer's duplicate is found by reading what has to be read anyway, and it stays found for as long as the bucket lives.
"""

from dataclasses import dataclass
from typing import Final, Literal

from tierflow_scoring.domain.flows import BookingRule

IDENTITY_BYTES: Final = 16
ENTRY_BYTES: Final = 24

Admission = Literal["new", "duplicate", "conflict"]


@dataclass(slots=True)
class Bucket:
    """Sums in minor units of the base currency; reversals count with the opposite sign."""

    net: int = 0
    credit: int = 0
    debit: int = 0
    transactions: int = 0
    own: int = 0
    fees: int = 0
    cost: int = 0
    spend: int = 0
    inflow: int = 0
    ledger: bytes = b""

    def admit(self, identity: bytes, content: bytes) -> Admission:
        """Writes an event into the ledger, once.

        Returns "duplicate" for the same identity with the same content and "conflict" for the same with another; the
        ledger is then as before.
        """
        ledger = self.ledger
        if identity not in ledger:
            self.ledger = ledger + identity + content
            return "new"
        at = ledger.find(identity)
        while at >= 0 and at % ENTRY_BYTES:
            at = ledger.find(identity, at + 1)
        if at < 0:
            self.ledger = ledger + identity + content
            return "new"
        known = ledger[at + IDENTITY_BYTES : at + ENTRY_BYTES]
        return "duplicate" if known == content else "conflict"

    def book(self, rule: BookingRule, amount: int, cost: int, times: int) -> int:
        """Adds a transaction (`times` 1) or takes it back (-1). Returns the change of the balance."""
        self.transactions += times
        self.cost += cost * times
        signed = amount * times
        if rule.is_own:
            self.own += times
        if rule.is_credit:
            change = signed
            self.credit += signed
            if rule.is_inflow:
                self.inflow += signed
        else:
            change = -signed
            self.debit += signed
            if rule.is_spend:
                self.spend += signed
        if rule.is_fee:
            self.fees -= change
        self.net += change
        return change
