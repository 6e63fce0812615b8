"""Tokens that must not be believed, each wrong in one way."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from tierflow_shared.clock import Clock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import KEY_FILE
from tierflow_shared.web.scopes import ALL_SCOPES

# What is wrong, and the rule that the answer names.
RULES: Final[Mapping[str, str]] = {
    "no-token": "token",
    "basic": "token",
    "garbage": "signature",
    "oversized": "token",
    "expired": "exp",
    "without-exp": "exp",
    "not-yet-valid": "nbf",
    "wrong-audience": "aud",
    "wrong-issuer": "iss",
    "alg-none": "signature",
    "hs256-with-the-public-key": "signature",
    "hs256-with-the-public-pem": "signature",
    "other-key-same-kid": "signature",
    "unknown-kid": "signature",
    "key-in-the-header": "signature",
    "changed-claims": "signature",
    "customer-and-manager": "rm",
    "actor-without-name": "act",
}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Forger:
    """Makes bad tokens; it knows the issuer's key, so that each is bad in the named way only."""

    key: ECKey
    stranger: ECKey
    claims: Mapping[str, Any]

    @staticmethod
    def of(folder: Path, clock: Clock, settings: ServiceSettings) -> "Forger":
        key = ECKey.import_key(msgspec.json.decode((folder / KEY_FILE).read_bytes()))
        now = int(clock.now().timestamp())
        claims = {
            "iss": settings.expected_issuer, "aud": settings.audience, "sub": "forger", "iat": now, "nbf": now,
            "exp": now + 3600, "scope": " ".join(sorted(ALL_SCOPES)),
        }  # fmt: skip
        stranger = ECKey.generate_key("P-256", {"kid": key.kid or ""})
        return Forger(key, stranger, claims)

    def good(self, **changes: Any) -> str:
        """A token of the issuer with these claims changed (None takes one away)."""
        return self._signed(self.key, {"alg": "ES256", "kid": self.key.kid}, **changes)

    def headers(self) -> dict[str, dict[str, str]]:
        """The Authorization header of each bad token, by what is wrong."""
        return {name: {} if value is None else {"authorization": value} for name, value in self._values().items()}

    def _values(self) -> dict[str, str | None]:
        past, public = int(self.claims["iat"]) - 3600, self.key.as_dict(private=False)
        head, body, signature = self.good().split(".")
        changed = _b64(msgspec.json.encode({**self.claims, "sub": "somebody-else"}))
        kid = {"alg": "ES256", "kid": self.key.kid}
        tokens = {
            "garbage": "a.b.c",
            "oversized": f"{head}.{body}{'A' * 9000}.{signature}",
            "expired": self.good(exp=past, nbf=past - 60),
            "without-exp": self.good(exp=None),
            "not-yet-valid": self.good(nbf=int(self.claims["iat"]) + 600),
            "wrong-audience": self.good(aud="somebody-else"),
            "wrong-issuer": self.good(iss="urn:somebody-else"),
            "alg-none": f"{_b64(msgspec.json.encode({**kid, 'alg': 'none'}))}.{body}.",
            "hs256-with-the-public-key": self._by_secret(msgspec.json.encode(public)),
            "hs256-with-the-public-pem": self._by_secret(self.key.as_pem(private=False)),
            "other-key-same-kid": self._signed(self.stranger, kid),
            "unknown-kid": self._signed(self.stranger, {**kid, "kid": "nobody"}),
            "key-in-the-header": self._signed(
                self.stranger, {"alg": "ES256", "jwk": self.stranger.as_dict(private=False)}
            ),
            "changed-claims": f"{head}.{changed}.{signature}",
            "customer-and-manager": self.good(customer="c-own", rm="rm-own"),
            "actor-without-name": self.good(act={}),
        }
        values: dict[str, str | None] = {name: f"Bearer {token}" for name, token in tokens.items()}
        return {"no-token": None, "basic": "Basic Zm9yZ2VyOnNlY3JldA==", **values}

    def _signed(self, key: ECKey, header: dict[str, Any], **changes: Any) -> str:
        claims = {name: value for name, value in {**self.claims, **changes}.items() if value is not None}
        return jwt.encode(header, claims, key, algorithms=["ES256"])

    def _by_secret(self, secret: bytes) -> str:
        head = _b64(msgspec.json.encode({"alg": "HS256", "kid": self.key.kid, "typ": "JWT"}))
        signed = f"{head}.{_b64(msgspec.json.encode(dict(self.claims)))}"
        return f"{signed}.{_b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
