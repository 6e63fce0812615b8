"""How often one client may ask: a token bucket for each subject, and for each address that shows no valid token."""

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final, Self

from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.principal import Principal
from tierflow_shared.web.problems import Problem

INGEST_SCOPE: Final = "events:write"
_BURST_S: Final = 2.0
_ROUNDING: Final = 1e-9


class Buckets:
    """Token buckets by name: `rate` a second, bursts of two seconds' worth, at most `most` names are remembered.

    A rate of 0 means no limit. The name that was silent longest is forgotten first; its bucket is full again then.
    """

    def __init__(self, rate: float, most: int, now: Callable[[], float] = monotonic) -> None:
        self._rate, self._burst, self._most, self._now = rate, max(1.0, rate * _BURST_S), most, now
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> float:
        """Takes one; 0.0 if there was one, else the seconds until there is."""
        if not self._rate:
            return 0.0
        now = self._now()
        level, at = self._levels.pop(name, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        wait_s = 0.0 if level > 1.0 - _ROUNDING else (1.0 - level) / self._rate
        self._levels[name] = (level if wait_s else level - 1.0, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return wait_s


class ClientLimits:
    """The limits of one process. Good callers never suffer from strangers: an address counts what was refused."""

    def __init__(self, callers: Buckets, senders: Buckets, strangers: Buckets) -> None:
        self._callers, self._senders, self._strangers = callers, senders, strangers

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """The limits that the settings name."""
        most = settings.client_limit_clients
        return cls(
            Buckets(settings.client_rate, most),
            Buckets(settings.client_ingest_rate, most),
            Buckets(settings.client_stranger_rate, most),
        )

    def caller(self, principal: Principal, scope: str) -> None:
        """Counts a request of a known caller.

        Raises:
            Problem: 429, the caller asks too often.
        """
        buckets = self._senders if scope == INGEST_SCOPE else self._callers
        self._refuse(buckets.take(principal.subject), "rate-of-client")

    def stranger(self, address: str) -> None:
        """Counts a request without a valid token.

        Raises:
            Problem: 429, too many of them come from this address.
        """
        self._refuse(self._strangers.take(address), "rate-of-address")

    @staticmethod
    def _refuse(wait_s: float, rule: str) -> None:
        if wait_s > 0:
            raise Problem(
                429, "too-many-requests", "Too many requests", "this client asks too often; nothing was done",
                field="caller", rule=rule, headers={"Retry-After": str(math.ceil(wait_s))},
            )  # fmt: skip
