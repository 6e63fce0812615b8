"""What the bank says about a customer on the day it joins: profile, due diligence, consents, accounts, holdings."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, cast

import numpy as np

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.book import OCCUPATIONS, Book, customer_id
from tierflow_embedded.generate.plan import CURRENCY, BankPlan
from tierflow_embedded.generate.reference import manager_id
from tierflow_shared.contracts.bank import (
    AccountOpened,
    ConsentUpdated,
    CustomerUpdated,
    HoldingUpdated,
    KycUpdated,
    Occupation,
    Origin,
    Personal,
    ProductCategory,
    Style,
)
from tierflow_shared.contracts.primitives import Channel, Data, PositiveMoney, Purpose
from tierflow_shared.money import decimal_text

_FAMILY: Final = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun")
_GIVEN: Final = ("Wei", "Fang", "Na", "Min", "Jing", "Lei", "Qiang", "Yan", "Jie", "Juan", "Tao", "Ming", "Chao", "Xia")
_STYLES: Final[tuple[Style, ...]] = ("driver", "amiable", "expressive", "analytical")
_ORIGINS: Final[tuple[Origin, ...]] = ("mainland", "hong-kong", "taiwan", "foreign")
_CHANNELS: Final[tuple[Channel, ...]] = ("phone", "app", "meeting")
_HELD: Final = (("wealth-steady", "wealth"), ("fund-mixed", "fund"), ("insurance-term", "insurance"))
INVESTED_SHARE_PERCENT: Final = 20


def current_account(index: int) -> str:
    return f"{customer_id(index)}-current"


def savings_account(index: int) -> str:
    return f"{customer_id(index)}-savings"


def money(minor: int) -> PositiveMoney:
    """Minor units as the contracts' money."""
    return PositiveMoney(value=decimal_text(minor, CURRENCY), currency=CURRENCY)


def joining_events(plan: BankPlan, book: Book, index: int) -> Iterator[Envelope]:
    """Everything the bank says about customer number `index` before the first booking, just after midnight."""
    joined = plan.day(int(book.joined[index]))
    moment = datetime.combine(joined, time(0, 1), UTC)
    random = plan.random(1, index)
    facts: list[tuple[str, Data]] = [
        ("profile", _profile(plan, book, index, joined, random)),
        ("kyc", _due_diligence(plan, index, joined, random)),
        *_consents(index, joined, random),
        ("current", _account(index, current_account(index), joined)),
    ]
    if book.saves[index]:
        facts.append(("savings", _account(index, savings_account(index), joined)))
    for name, data in facts:
        yield Envelope(f"{customer_id(index)}-{name}", plan.source, moment, data)


def _profile(plan: BankPlan, book: Book, index: int, joined: date, random: np.random.Generator) -> CustomerUpdated:
    company = bool(book.company[index])
    if company:
        return CustomerUpdated(
            customer_id=customer_id(index),
            kind="company",
            source="synthetic-bank",
            relationship_since=joined,
            yearly_income=money(int(book.salary_minor[index]) * 12),
            rm_id=manager_id(int(book.manager[index])),
            origin="mainland",
        )
    occupation = "retired" if book.retired[index] else OCCUPATIONS[int(book.occupation[index])]
    return CustomerUpdated(
        customer_id=customer_id(index),
        kind="person",
        source="synthetic-bank",
        personal=_person(plan, book, index, random),
        relationship_since=joined,
        household_id=f"household-{index // 2:07d}" if (index // 2) % 5 < 2 else None,
        occupation=cast(Occupation, occupation),
        origin=_ORIGINS[int(np.searchsorted((0.94, 0.97, 0.99), random.random()))],
        region="CN",
        yearly_income=money(int(book.salary_minor[index]) * 12),
        rent_share_percent=85 if occupation == "rentier" else None,
        legal_capacity="limited" if index % 150 == 37 else "full",
        vulnerable=bool(random.random() < 0.01),
        style=_STYLES[int(random.integers(0, 4))],
        rm_id=manager_id(int(book.manager[index])),
        preferred_channel=_CHANNELS[int(np.searchsorted((0.6, 0.9), random.random()))],
        language="zh",
    )


def _person(plan: BankPlan, book: Book, index: int, random: np.random.Generator) -> Personal:
    birthday = date(plan.end.year - int(book.age[index]) - 1, 1, 1) + timedelta(days=int(book.birth_month_day[index]))
    name = f"{_FAMILY[int(random.integers(0, len(_FAMILY)))]} {_GIVEN[int(random.integers(0, len(_GIVEN)))]}"
    return Personal(name=name, birth_date=birthday, phone=f"+86 139 0000 {index % 10_000:04d}")


def _due_diligence(plan: BankPlan, index: int, joined: date, random: np.random.Generator) -> KycUpdated:
    """Mostly verified for long; some expire around the end of the span, some are missing or under review."""
    chance = random.random()
    if chance < 0.03:
        return KycUpdated(customer_id=customer_id(index), status="missing", effective_on=joined)
    if chance < 0.05:
        return KycUpdated(customer_id=customer_id(index), status="under-review", effective_on=joined, basis="new flow")
    if chance < 0.14:
        valid_until = max(joined, plan.end + timedelta(days=int(random.integers(-40, 45))))
    else:
        valid_until = plan.end + timedelta(days=int(random.integers(200, 1_500)))
    return KycUpdated(
        customer_id=customer_id(index),
        status="verified",
        effective_on=joined,
        valid_until=valid_until,
        basis="identity document",
    )


def _consents(index: int, joined: date, random: np.random.Generator) -> Iterator[tuple[str, Data]]:
    grants: tuple[tuple[Channel, Purpose, float], ...] = (
        ("phone", "service", 0.93),
        ("phone", "sale", 0.7),
        ("app", "service", 0.8),
    )
    undisturbed = joined + timedelta(days=90) if random.random() < 0.02 else None
    for channel, purpose, share in grants:
        yield (
            f"consent-{channel}-{purpose}",
            ConsentUpdated(
                customer_id=customer_id(index),
                channel=channel,
                purpose=purpose,
                granted=bool(random.random() < share),
                effective_on=joined,
                do_not_disturb_until=undisturbed if channel == "phone" else None,
            ),
        )


def _account(index: int, account_id: str, opened_on: date) -> AccountOpened:
    return AccountOpened(
        account_id=account_id,
        customer_id=customer_id(index),
        kind="savings" if account_id.endswith("savings") else "current",
        currency=CURRENCY,
        opened_on=opened_on,
        statement="monthly",
    )


def valuation(plan: BankPlan, book: Book, index: int, day: int) -> Envelope:
    """What a customer's investment is worth at the end of a day: it swings slowly by half a percent a month."""
    product, category = _HELD[index % len(_HELD)]
    invested = int(book.opening_minor[index]) * INVESTED_SHARE_PERCENT // 100
    swing_permille = ((index * 7 + day // 30 * 13) % 21) - 10
    on = plan.day(day)
    return Envelope(
        f"{customer_id(index)}-holding-{on.isoformat()}",
        plan.source,
        datetime.combine(on, time(15, 30), UTC),
        HoldingUpdated(
            holding_id=f"{customer_id(index)}-{product}",
            customer_id=customer_id(index),
            product_id=product,
            category=cast(ProductCategory, category),
            value=money(invested * (1_000 + swing_permille) // 1_000),
            as_of=on,
            matures_on=plan.end + timedelta(days=int(index) % 120) if category == "wealth" else None,
        ),
    )
