"""Where the issuer's public keys come from: a file, or an address that is asked again when a key is new."""

import asyncio
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tierflow_shared.clock import Clock
from tierflow_shared.web.problems import unavailable

MAX_JWKS_BYTES = 262_144


class KeySource(Protocol):
    """Gives the public keys of the issuer."""

    async def current(self) -> KeySet:
        """The keys as last read. Raises a 503 problem when there never were any."""

    async def refreshed(self) -> KeySet | None:
        """The keys read anew, or None when they were read so recently that asking again would be a nuisance."""


class KeyAges(NamedTuple):
    """How old keys may get, in seconds.

    `refetch_s` is the shortest time between two reads, `max_age_s` the age at which they are read again (so a key that
    the issuer took away stops working), `stale_s` the age at which they are given up if they cannot be read.
    """

    refetch_s: int = 30
    max_age_s: int = 300
    stale_s: int = 3600


class _Cached(ABC):
    """Reads keys at most once per `refetch_s` seconds, one reader at a time."""

    def __init__(self, clock: Clock, ages: KeyAges) -> None:
        self._clock, self._refetch = clock, timedelta(seconds=ages.refetch_s)
        self._max_age, self._stale = timedelta(seconds=ages.max_age_s), timedelta(seconds=ages.stale_s)
        self._keys: KeySet | None = None
        self._read_at = self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def current(self) -> KeySet:
        if self._keys is None or self._clock.now() - self._read_at >= self._max_age:
            await self.refreshed()
        if self._keys is None or self._clock.now() - self._read_at >= self._stale:
            raise unavailable("the keys of the token issuer cannot be read now")
        return self._keys

    async def refreshed(self) -> KeySet | None:
        async with self._lock:
            now = self._clock.now()
            if now - self._asked_at < self._refetch:
                return None
            self._asked_at = now
            try:
                document = msgspec.json.decode(await self._read(), type=dict[str, list[dict[str, object]]])
                self._keys, self._read_at = KeySet.import_key_set(document), now  # type: ignore[arg-type]
            except (OSError, httpx.HTTPError, msgspec.MsgspecError, JoseError, ValueError, KeyError):
                return None
            return self._keys

    @abstractmethod
    async def _read(self) -> bytes:
        """The JWKS document as it is now."""


class FileKeys(_Cached):
    """A JWKS file."""

    def __init__(self, path: str | Path, clock: Clock, ages: KeyAges) -> None:
        super().__init__(clock, ages)
        self._path = Path(path)

    async def _read(self) -> bytes:
        return await asyncio.to_thread(self._path.read_bytes)


class UrlKeys(_Cached):
    """A JWKS address; redirects are not followed and answers are bounded."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        ages: KeyAges,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(clock, ages)
        self._url, self._timeout_s, self._transport = url, timeout_s, transport

    async def _read(self) -> bytes:
        async with (
            httpx.AsyncClient(timeout=self._timeout_s, transport=self._transport) as client,
            client.stream("GET", self._url) as answer,
        ):
            answer.raise_for_status()
            received = bytearray()
            async for part in answer.aiter_bytes():
                received += part
                if len(received) > MAX_JWKS_BYTES:
                    raise ValueError("the issuer's key document is too large")
            return bytes(received)
