"""How tools get in: where the services listen, and a token for it."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from tierflow_shared.clock import Clock, SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

DEFAULT_DATA_DIR: Final = Path("var/data")
TOOL_SUBJECT: Final = "tierflow-cli"
_LIFETIME: Final = timedelta(minutes=30)


class Tokens:
    """Signs tokens with the embedded issuer's key of a data directory; renews a tool's own before it ends."""

    def __init__(self, data_dir: Path, clock: Clock | None = None, *, lifetime: timedelta = _LIFETIME) -> None:
        self._clock = clock or SystemClock()
        self._issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=data_dir), self._clock)
        self._lifetime = lifetime
        self._token, self._renew_at = "", self._clock.now()

    def tool(self) -> str:
        """A token with every scope, for the tools of this package."""
        now = self._clock.now()
        if not self._token or now >= self._renew_at:
            self._token = self.mint(TOOL_SUBJECT, ALL_SCOPES)
            self._renew_at = now + self._lifetime / 2
        return self._token

    def mint(
        self, subject: str, scopes: Iterable[str], customer: str | None = None, lifetime: timedelta | None = None
    ) -> str:
        """A token for somebody.

        Raises:
            ValueError: an unknown scope.
        """
        return self._issuer.mint(subject, scopes, lifetime or self._lifetime, customer)
