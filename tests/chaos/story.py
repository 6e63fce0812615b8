"""What the producers say: a pure function of the seed. Each customer has one producer, whose order is the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

import msgspec

SOURCE: Final = "/core-banking"
CURRENCY: Final = "CNY"
CHANNELS: Final = ("branch", "atm", "card", "online", "mobile", "phone", "standing-order", "system")
PURPOSES: Final = ("cash", "transfer", "card-payment", "salary", "fee", "interest", "household", "investment", "other")
_LATE: Final = 0.01
_KINDS: Final = ("transaction", "reversal", "holding", "kyc", "customer", "consent", "sale")
_WEIGHTS: Final = (92, 2, 2, 1, 1, 1, 1)
_encode: Final = msgspec.json.Encoder().encode


class Said(NamedTuple):
    """One event as it is sent. `n` counts its producer's events; a customer's events keep that order on the log."""

    id: str
    type: str
    time: str
    customer: str
    data: bytes

    def structured(self) -> bytes:
        """The CloudEvent in structured mode."""
        head = f'{{"specversion":"1.0","id":"{self.id}","source":"{SOURCE}","type":"{self.type}","time":"{self.time}"'
        return head.encode() + b',"data":' + self.data + b"}"


@dataclass(frozen=True, slots=True)
class Bank:
    """The bank's size and calendar. `days` business days end on `last`, the day before the campaign at the latest."""

    seed: int
    producers: int
    customers: int
    last: date
    days: int
    events_per_day: int

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    def customers_of(self, producer: int) -> list[str]:
        return [f"c-{n:06d}" for n in range(producer, self.customers, self.producers)]


class Account(NamedTuple):
    """An account and what it is."""

    name: str
    kind: str


class Producer:
    """The endless story of one producer, from its own random numbers."""

    def __init__(self, bank: Bank, number: int) -> None:
        self._bank, self._number = bank, number
        self._random = Random(f"{bank.seed}/{number}")
        self._customers = bank.customers_of(number)
        self._accounts = {name: self._accounts_of(name) for name in self._customers}
        self._posted: dict[str, list[dict[str, object]]] = {name: [] for name in self._customers}
        self._count = 0
        self._day = bank.first

    def _accounts_of(self, customer: str) -> list[Account]:
        kinds = ["current", "savings", *(["loan"] if self._random.random() < 0.3 else [])]
        return [Account(f"a-{customer[2:]}-{n}", kind) for n, kind in enumerate(kinds)]

    def story(self) -> Iterator[Said]:
        """First who the customers are, then what they do, day by day."""
        for name in self._customers:
            yield from self._introduce(name)
        per_day, told = max(1, self._bank.events_per_day // self._bank.producers), 0
        while True:
            self._day = self._bank.first + timedelta(days=min(told // per_day, self._bank.days - 1))
            told += 1
            kind = self._random.choices(_KINDS, _WEIGHTS)[0]
            yield self._event(kind, self._random.choice(self._customers))

    def _introduce(self, name: str) -> Iterator[Said]:
        yield self._customer(name)
        for account in self._accounts[name]:
            opened = self._bank.first - timedelta(days=self._random.randrange(300))
            data = {"account_id": account.name, "customer_id": name, "kind": account.kind, "currency": CURRENCY}
            yield self._say("bank.account.opened.v1", name, {**data, "opened_on": opened.isoformat()})
        yield self._kyc(name, "verified")

    def _event(self, kind: str, name: str) -> Said:
        if kind == "reversal" and not self._posted[name]:
            kind = "transaction"
        tell = {
            "transaction": self._transaction,
            "reversal": self._reversal,
            "holding": self._holding,
            "kyc": self._kyc_again,
            "customer": self._customer,
            "consent": self._consent,
            "sale": self._sale,
        }
        return tell[kind](name)

    def _kyc_again(self, name: str) -> Said:
        return self._kyc(name, self._random.choice(("verified", "verified", "under-review", "expired")))

    def _consent(self, name: str) -> Said:
        data = {"customer_id": name, "channel": "phone", "purpose": "service", "effective_on": self._today}
        return self._say("bank.consent.updated.v1", name, {**data, "granted": self._random.random() < 0.8})

    @property
    def _today(self) -> str:
        return self._day.isoformat()

    def _say(self, event_type: str, customer: str, data: dict[str, object]) -> Said:
        n = self._count
        self._count += 1
        clock = f"{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}"
        return Said(f"{self._number}-{n:09d}", event_type, f"{self._today}T{clock}Z", customer, _encode(data))

    def _customer(self, name: str) -> Said:
        income = {"value": f"{self._random.randrange(50_000, 900_000)}.00", "currency": CURRENCY}
        data: dict[str, object] = {
            "customer_id": name, "kind": "person", "yearly_income": income, "legal_capacity": "full",
        }  # fmt: skip
        return self._say("bank.customer.updated.v1", name, data)

    def _kyc(self, name: str, status: str) -> Said:
        data: dict[str, object] = {"customer_id": name, "status": status, "effective_on": self._today}
        if self._random.random() < 0.3:
            data["valid_until"] = (self._day + timedelta(days=self._random.randrange(5, 90))).isoformat()
        return self._say("bank.kyc.updated.v1", name, data)

    def _holding(self, name: str) -> Said:
        data: dict[str, object] = {
            "holding_id": f"h-{name[2:]}-{self._random.randrange(3)}",
            "customer_id": name,
            "product_id": "p-fund",
            "category": "fund",
            "value": self._amount(),
            "as_of": self._booked_on(),
        }
        return self._say("bank.holding.updated.v1", name, data)

    def _amount(self) -> dict[str, str]:
        large = self._random.random() < 0.04
        cents = int(self._random.lognormvariate(18.0, 1.3) if large else self._random.lognormvariate(10.5, 1.2))
        return {"value": f"{cents // 100}.{cents % 100:02d}", "currency": CURRENCY}

    def _booked_on(self) -> str:
        if self._random.random() < _LATE:
            return max(self._bank.first, self._day - timedelta(days=self._random.randrange(1, 40))).isoformat()
        return self._today

    def _transaction(self, name: str) -> Said:
        data: dict[str, object] = {
            "transaction_id": f"t-{self._number}-{self._count:09d}",
            "customer_id": name,
            "account_id": self._random.choice(self._accounts[name]).name,
            "amount": self._amount(),
            "direction": "credit" if self._random.random() < 0.52 else "debit",
            "booking_date": self._booked_on(),
            "channel": self._random.choice(CHANNELS),
            "purpose": self._random.choice(PURPOSES),
        }
        kept = self._posted[name]
        if len(kept) < 20:
            kept.append(data)
        return self._say("bank.transaction.posted.v1", name, data)

    def _reversal(self, name: str) -> Said:
        kept = self._posted[name]
        data = kept.pop(self._random.randrange(len(kept)))
        return self._say("bank.transaction.reversed.v1", name, {**data, "reversed_on": self._today})

    def _sale(self, name: str) -> Said:
        data: dict[str, object] = {
            "sale_id": f"sale-{self._number}-{self._count:09d}",
            "customer_id": name,
            "product_id": self._random.choice(("p-fund", "p-bold")),
            "amount": {"value": f"{self._random.randrange(1, 50)}000.00", "currency": CURRENCY},
            "requested_at": f"{self._today}T10:00:00Z",
            "initiated_by": "customer",
            "channel": "mobile",
        }
        return self._say("bank.sale.requested.v1", name, data)


def reference(bank: Bank, buyers: int) -> list[Said]:
    """Products, and the customers who buy over HTTP: told once, before everything else."""
    time = f"{bank.first.isoformat()}T00:00:00Z"
    told: list[Said] = []

    def say(event_type: str, key: str, data: dict[str, object]) -> None:
        told.append(Said(f"ref-{len(told):06d}", event_type, time, key, _encode(data)))

    for product, level in (("p-fund", 2), ("p-bold", 5)):
        data: dict[str, object] = {
            "product_id": product, "name": product, "category": "wealth", "issuer_risk_level": level,
            "seller_risk_level": level, "currency": CURRENCY, "on_sale_from": bank.first.isoformat(),
        }  # fmt: skip
        say("bank.product.updated.v1", product, data)
    for name in buyer_names(buyers):
        income = {"value": "300000.00", "currency": CURRENCY}
        profile: dict[str, object] = {"customer_id": name, "kind": "person", "yearly_income": income}
        say("bank.customer.updated.v1", name, {**profile, "personal": {"birth_date": "1980-05-05"}})
        since = bank.first.isoformat()
        say("bank.kyc.updated.v1", name, {"customer_id": name, "status": "verified", "effective_on": since})
    return told


def buyer_names(buyers: int) -> list[str]:
    """Customers who buy over HTTP and do nothing else."""
    return [f"b-{n:04d}" for n in range(buyers)]
