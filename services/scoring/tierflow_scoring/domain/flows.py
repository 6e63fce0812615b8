"""What moves a customer's features: flows, one number per customer, day and kind of flow.

Money is in minor units of the base currency. A customer's levels and window sums are sums of flows, therefore they
depend on the set of bookings and facts alone, never on the order in which they became known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Final, get_args

from tierflow_shared.contracts.bank import TransactionChannel, TransactionPurpose


class Flow(IntEnum):
    """The rows of a block of flows. Those before `PRODUCTS` leave the 365-day window again."""

    DEPOSIT = 0  # change of the balances of deposit accounts
    LOAN = 1  # change of the balances of loan and card accounts
    HOLDING = 2  # change of the value of holdings
    FEES = 3  # fees and penalty interest paid to the bank
    COST = 4  # cost to serve by channel
    OWN = 5  # transactions that the customer made
    SPEND = 6  # money the customer spent in them
    INFLOW = 7  # money that came in from outside, without interest
    PRODUCTS = 8  # products held: open accounts and holdings of value
    VERIFIED = 9  # 1 while due diligence is valid


WINDOWED: Final = 8
FLOWS: Final = len(Flow)

OWN_CHANNELS: Final = frozenset({"branch", "atm", "card", "online", "mobile", "phone"})
BANK_PURPOSES: Final = frozenset({"fee", "interest", "penalty-interest"})
INCOME_TO_BANK: Final = frozenset({"fee", "penalty-interest"})
LENT: Final = frozenset({"loan", "card"})  # kinds of account that hold the bank's money, not the customer's


@dataclass(frozen=True, slots=True)
class BookingRule:
    """What one kind of transaction means, by direction, channel and purpose."""

    is_credit: bool
    is_own: bool
    is_fee: bool
    is_spend: bool
    is_inflow: bool
    channel: str


def _rule(direction: str, channel: str, purpose: str) -> BookingRule:
    is_credit = direction == "credit"
    is_own = channel in OWN_CHANNELS and purpose not in BANK_PURPOSES
    return BookingRule(
        is_credit=is_credit,
        is_own=is_own,
        is_fee=purpose in INCOME_TO_BANK,
        is_spend=is_own and not is_credit,
        is_inflow=is_credit and purpose not in BANK_PURPOSES,
        channel=channel,
    )


BOOKING_RULES: Final[Mapping[tuple[str, str, str], BookingRule]] = {
    (direction, channel, purpose): _rule(direction, channel, purpose)
    for direction, channel, purpose in product(
        ("credit", "debit"), get_args(TransactionChannel), get_args(TransactionPurpose)
    )
}
RULES: Final = tuple(BOOKING_RULES.values())
RULE_PLACES: Final[Mapping[tuple[str, str, str], int]] = {key: place for place, key in enumerate(BOOKING_RULES)}
"""Places in `RULES` by direction, channel and purpose: columns hold these numbers."""
