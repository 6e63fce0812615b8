"""A few days of a bank with forty customers, who all have news at each close."""

from datetime import timedelta
from typing import Literal

import msgspec

from tests.property.scoring.bank import Said, moment, on, records
from tests.property.scoring.harness import Told
from tierflow_shared.bus.port import Record
from tierflow_shared.contracts import bank
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data, PositiveMoney

CUSTOMERS = [f"c{n:02d}" for n in range(40)]


def customer_of(told: Told) -> str:
    """Whom a message is about."""
    return str(msgspec.json.decode(told[2])["customer_id"])


def booking(customer: str, day: int, value: int, direction: Literal["credit", "debit"] = "credit") -> Data:
    """A booking of whole crowns."""
    return bank.TransactionPosted(
        transaction_id=f"t-{customer}-{day}-{value}",
        customer_id=customer,
        account_id=f"a-{customer}",
        amount=PositiveMoney(value=f"{value}.00", currency="CZK"),
        direction=direction,
        booking_date=on(day),
        channel="branch",
        purpose="transfer",
    )


def a_day_of_many() -> list[Record]:
    """Accounts; a first day; a close for everybody; then some rise, some book late, one is new; two days are closed."""
    data: list[Data] = [
        bank.AccountOpened(
            account_id=f"a-{name}", customer_id=name, kind="current", currency="CZK", opened_on=on(n % 9 - 30)
        )
        for n, name in enumerate(CUSTOMERS)
    ]
    data += [booking(name, 0, 10 * n + 5) for n, name in enumerate(CUSTOMERS)]
    data.append(BusinessDateAdvanced(business_date=on(1)))
    data += [booking(name, 1, 900) for name in CUSTOMERS[::7]]
    data += [booking(name, -2 + n % 3, 400) for n, name in enumerate(CUSTOMERS[1::6])]
    data += [booking("c20a", 1, 350), booking("c30a", 0, 350), booking("c31", 1, 3, "debit")]
    data += [booking(name, 1, 350 + n) for n, name in enumerate(CUSTOMERS[2::2])]
    data.append(BusinessDateAdvanced(business_date=on(3)))
    data += [booking(name, 3, 700) for name in CUSTOMERS[3::5]]
    data += [booking(name, 2, 5) for name in CUSTOMERS[4::9]]
    data.append(BusinessDateAdvanced(business_date=on(40)))
    said = [Said(one, moment(0) + timedelta(minutes=n), f"e{n}") for n, one in enumerate(data)]
    return records(said)
