"""What to generate, and the numbers that make the generated bank look like a bank."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

CURRENCY: Final = "CNY"
YUAN: Final = 100  # minor units in one yuan
DEFAULT_END: Final = date(2026, 6, 30)
DEFAULT_DAYS: Final = 730
MAX_CUSTOMERS: Final = 10_000_000
MAX_DAYS: Final = 3_660


@dataclass(frozen=True, slots=True)
class BankPlan:
    """Seed, size and span of a synthetic bank. Equal plans give byte-identical streams."""

    seed: int
    customers: int
    days: int = DEFAULT_DAYS
    end: date = DEFAULT_END

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise ValueError("seeds lie between 0 and 4294967295")
        if not 1 <= self.customers <= MAX_CUSTOMERS:
            raise ValueError(f"customers lie between 1 and {MAX_CUSTOMERS}")
        if not 1 <= self.days <= MAX_DAYS:
            raise ValueError(f"days lie between 1 and {MAX_DAYS}")

    @property
    def start(self) -> date:
        """The first business day of the stream."""
        return self.end - timedelta(days=self.days - 1)

    @property
    def source(self) -> str:
        """The CloudEvents source: another plan is another source, so that ids never collide."""
        return f"/synthetic-bank/{self.seed}/{self.customers}/{self.days}/{self.end.isoformat()}"

    def day(self, index: int) -> date:
        return self.start + timedelta(days=index)

    def random(self, *stream: int) -> np.random.Generator:
        """An independent source of chance for one purpose (and one day), so that days do not disturb each other."""
        return np.random.default_rng([self.seed, *stream])

    @property
    def relationship_managers(self) -> int:
        """Eight RMs, one or two of each role, for every 480 customers."""
        return 8 * max(1, self.customers // 480)

    @property
    def sales_from(self) -> int:
        """Index of the first day on which sales are asked for: the last five months, at most half the span."""
        return max(self.days - 150, self.days // 2)
