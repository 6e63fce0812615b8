"""The issuer of the embedded default: a key made at first start, kept beside the data. Production has its own."""

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from tierflow_shared.clock import Clock
from tierflow_shared.ids import new_id
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.scopes import ALL_SCOPES

KEY_FILE: Final = "issuer-key.json"
JWKS_FILE: Final = "jwks.json"


class EmbeddedIssuer:
    """Signs tokens with ES256. The private key lies in `data_dir`, readable by its owner alone."""

    def __init__(self, data_dir: Path, clock: Clock, *, issuer: str, audience: str) -> None:
        self._clock, self._issuer, self._audience = clock, issuer, audience
        self.jwks_path = data_dir / JWKS_FILE
        data_dir.mkdir(parents=True, exist_ok=True)
        self._key = _load_or_make(data_dir / KEY_FILE)
        public = {"keys": [self._key.as_dict(private=False)]}
        _write_whole(self.jwks_path, msgspec.json.encode(public), 0o644)

    @classmethod
    def of(cls, settings: ServiceSettings, clock: Clock) -> Self:
        """The issuer of these settings."""
        return cls(settings.data_dir, clock, issuer=settings.expected_issuer, audience=settings.audience)

    def mint(
        self,
        subject: str,
        scopes: Iterable[str],
        lifetime: timedelta,
        customer: str | None = None,
        *,
        rm: str | None = None,
        actor: str | None = None,
    ) -> str:
        """A signed token for `subject` with these scopes, valid from now for `lifetime`.

        `customer` or `rm` confine it to what belongs to that customer or manager; `actor` acts for the subject.

        Raises:
            ValueError: a scope that is not in `tierflow_shared.web.scopes`.
        """
        wanted = sorted(set(scopes))
        unknown = set(wanted) - ALL_SCOPES
        if unknown:
            raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
        now = self._clock.now()
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "scope": " ".join(wanted),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": new_id("token"),
        }
        confined = {"customer": customer, "rm": rm, "act": {"sub": actor} if actor is not None else None}
        claims.update({name: value for name, value in confined.items() if value is not None})
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)


def _load_or_make(path: Path) -> ECKey:
    """The key on disk; the first process that starts makes it, and the others take that one."""
    if not path.exists():
        key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)
        fresh = _write_beside(path, msgspec.json.encode(key.as_dict(private=True)), 0o600)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return ECKey.import_key(msgspec.json.decode(path.read_bytes()))


def _write_whole(path: Path, content: bytes, mode: int) -> None:
    if not path.exists() or path.read_bytes() != content:
        _write_beside(path, content, mode).replace(path)


def _write_beside(path: Path, content: bytes, mode: int) -> Path:
    beside = path.with_name(f".{path.name}.{new_id('new')}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return beside
