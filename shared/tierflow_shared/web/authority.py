"""Checks tokens: signature, issuer, audience and times, and remembers what it checked."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from tierflow_shared.clock import Clock
from tierflow_shared.contracts.primitives import ID_PATTERN
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.keys import FileKeys, KeyAges, KeySource, UrlKeys
from tierflow_shared.web.principal import ClaimError, Principal, principal_of
from tierflow_shared.web.problems import Problem

# Signatures with a public key alone: a token signed with a shared secret, or not at all, is never looked at.
ALGORITHMS: Final = ("ES256", "Ed25519", "EdDSA", "RS256")
MAX_TOKEN_LENGTH: Final = 8192
_SUBJECT: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say to be believed. Times in seconds."""

    issuer: str
    audience: str
    leeway_s: int
    cache_size: int
    cache_s: int


class Authority:
    """Turns the `Authorization` header into a principal, or into a 401."""

    def __init__(self, keys: KeySource, rules: TokenRules, clock: Clock, metrics: ServiceMetrics | None = None) -> None:
        self._keys, self._rules, self._clock, self._metrics = keys, rules, clock, metrics
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    async def principal(self, authorization: str | None) -> Principal:
        """The caller.

        Raises:
            Problem: 401 without a valid token, 503 when the issuer's keys cannot be had.
        """
        now = self._clock.now().timestamp()
        known = self._known.get(authorization or "")
        if known is not None and now < known[1]:
            return known[0]
        try:
            principal, trusted_until = await self._verify(_bearer(authorization), now)
        except Problem:
            self._count("refused")
            raise
        self._remember(authorization or "", principal, trusted_until)
        self._count("verified")
        return principal

    def _remember(self, authorization: str, principal: Principal, trusted_until: float) -> None:
        self._known[authorization] = (principal, trusted_until)
        while len(self._known) > self._rules.cache_size:
            self._known.popitem(last=False)

    async def _verify(self, token: str, now: float) -> tuple[Principal, float]:
        try:
            claims = self._decode(token, await self._keys.current())
        except InvalidKeyIdError:
            refreshed = await self._keys.refreshed()
            if refreshed is None:
                raise _refused("signature", "the token's key is unknown") from None
            claims = self._decode_known(token, refreshed)
        expires = self._check(claims, now)
        return _principal(claims), min(expires + self._rules.leeway_s, now + self._rules.cache_s)

    def _decode_known(self, token: str, keys: KeySet) -> dict[str, Any]:
        try:
            return self._decode(token, keys)
        except InvalidKeyIdError:
            raise _refused("signature", "the token's key is unknown") from None

    @staticmethod
    def _decode(token: str, keys: KeySet) -> dict[str, Any]:
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except InvalidKeyIdError:
            raise
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _refused("signature", "the token's signature cannot be verified") from None

    def _check(self, claims: dict[str, Any], now: float) -> float:
        """The four things a token must say; returns when it expires (seconds since 1970)."""
        rules = self._rules
        if claims.get("iss") != rules.issuer:
            raise _refused("iss", "the token comes from another issuer")
        audience = claims.get("aud")
        if rules.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused("aud", "the token is for another audience")
        expires, not_before = claims.get("exp"), claims.get("nbf", 0)
        if expires is None or not _is_time(expires) or not _is_time(not_before):
            raise _refused("exp", "the token has no valid exp")
        if now >= expires + rules.leeway_s:
            raise _refused("exp", "the token has expired")
        if now < not_before - rules.leeway_s:
            raise _refused("nbf", "the token is not valid yet")
        return float(expires)

    def _count(self, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.add("tierflow_tokens_total", outcome)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise _refused("token", "this needs a bearer token", error="")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_LENGTH:
        raise _refused("token", "the Authorization header must be: Bearer <token>")
    return token


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _SUBJECT.fullmatch(value) is not None


def _principal(claims: dict[str, Any]) -> Principal:
    try:
        return principal_of(claims, _is_id)
    except ClaimError as error:
        raise _refused(error.claim, str(error)) from None


def _refused(rule: str, detail: str, *, error: str = ' error="invalid_token"') -> Problem:
    return Problem(
        401, "unauthenticated", "No valid token", detail,
        field="header.authorization", rule=rule, headers={"WWW-Authenticate": f"Bearer{error}"},
    )  # fmt: skip


def authority_for(settings: ServiceSettings, clock: Clock, metrics: ServiceMetrics | None = None) -> Authority:
    """The authority the settings name. The embedded default makes its own issuer and key at first start."""
    rules = TokenRules(
        issuer=settings.expected_issuer,
        audience=settings.audience,
        leeway_s=settings.token_leeway_s,
        cache_size=settings.token_cache_size,
        cache_s=settings.token_cache_s,
    )
    return Authority(_key_source(settings, clock), rules, clock, metrics)


def _key_source(settings: ServiceSettings, clock: Clock) -> KeySource:
    ages = KeyAges(settings.jwks_refetch_s, settings.jwks_max_age_s, settings.jwks_stale_s)
    if settings.jwks is None:
        return FileKeys(EmbeddedIssuer.of(settings, clock).jwks_path, clock, ages)
    if settings.jwks.startswith("https://"):
        return UrlKeys(settings.jwks, clock, ages, settings.jwks_timeout_s)
    return FileKeys(settings.jwks, clock, ages)
