"""Tokens: who is believed, for how long, and what a missing scope is called."""

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from tests.unit.web.small_app import NOW
from tierflow_shared.clock import ManualClock
from tierflow_shared.metrics import ServiceMetrics
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.authority import Authority, TokenRules, authority_for
from tierflow_shared.web.issuer import KEY_FILE, EmbeddedIssuer
from tierflow_shared.web.keys import FileKeys, KeyAges, UrlKeys
from tierflow_shared.web.problems import Problem

pytestmark = pytest.mark.anyio

RULES = TokenRules(issuer="urn:bank", audience="tierflow", leeway_s=30, cache_size=2, cache_s=300)
CLAIMS = {"iss": "urn:bank", "aud": "tierflow", "sub": "anna", "scope": "sales:read sales:write"}


def key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def token(signer: Any, alg: str = "ES256", **changes: Any) -> str:
    now = int(NOW.timestamp())
    claims = {**CLAIMS, "exp": now + 600, "nbf": now, **changes}
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": signer.kid}, said, signer, algorithms=[alg])


def write_keys(path: Path, *keys: Any) -> Path:
    path.write_bytes(msgspec.json.encode({"keys": [one.as_dict(private=False) for one in keys]}))
    return path


def authority(path: Path, clock: ManualClock, metrics: ServiceMetrics | None = None) -> Authority:
    return Authority(FileKeys(path, clock, KeyAges(refetch_s=30)), RULES, clock, metrics)


async def refusal(one: Authority, header: str | None) -> str:
    """The rule by which the header was refused."""
    with pytest.raises(Problem) as caught:
        await one.principal(header)
    assert caught.value.status_code == 401
    assert (caught.value.headers or {})["WWW-Authenticate"].startswith("Bearer")
    return caught.value.errors[0]["rule"]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # many issuers still call Ed25519 so
@pytest.mark.parametrize(
    ("make", "alg"),
    [
        (lambda: ECKey.generate_key("P-256", {"kid": "k"}), "ES256"),
        (lambda: RSAKey.generate_key(2048, {"kid": "k"}), "RS256"),
        (lambda: OKPKey.generate_key("Ed25519", {"kid": "k"}), "Ed25519"),
        (lambda: OKPKey.generate_key("Ed25519", {"kid": "k"}), "EdDSA"),
    ],
)
async def test_public_key_signatures_are_believed(tmp_path: Path, make: Any, alg: str) -> None:
    signer = make()
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW))
    principal = await one.principal(f"Bearer {token(signer, alg, customer='C-1')}")
    assert (principal.subject, principal.customer) == ("anna", "C-1")
    assert principal.scopes == {"sales:read", "sales:write"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"iss": "urn:else"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "else"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": int(NOW.timestamp()) - 31}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": "4000000000"}, "exp"),
        ({"nbf": int(NOW.timestamp()) + 31}, "nbf"),
        ({"sub": None}, "sub"),
        ({"sub": "a b"}, "sub"),
        ({"sub": "x" * 65}, "sub"),
        ({"scope": ["sales:read"]}, "scope"),
        ({"customer": 7}, "customer"),
    ],
)
async def test_claims_that_are_not_ours_are_refused(tmp_path: Path, changes: dict[str, Any], rule: str) -> None:
    signer = key("k")
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW))
    assert await refusal(one, f"Bearer {token(signer, **changes)}") == rule


async def test_an_audience_may_be_one_of_several(tmp_path: Path) -> None:
    signer = key("k")
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW))
    assert (await one.principal(f"Bearer {token(signer, aud=['app', 'tierflow'])}")).subject == "anna"


async def test_shared_secrets_and_foreign_keys_are_refused(tmp_path: Path) -> None:
    signer, stranger = key("k"), key("k")
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW))
    forged = token(OctKey.import_key("0" * 32, {"kid": "k"}), "HS256")
    assert await refusal(one, f"Bearer {forged}") == "signature"
    assert await refusal(one, f"Bearer {token(stranger)}") == "signature"
    assert await refusal(one, "Bearer " + "x" * 9000) == "token"
    assert await refusal(one, None) == "token"


async def test_a_verified_token_is_remembered_but_never_beyond_its_end(tmp_path: Path) -> None:
    signer, clock, metrics = key("k"), ManualClock(NOW), ServiceMetrics("t")
    one = authority(write_keys(tmp_path / "jwks.json", signer), clock, metrics)
    header = f"Bearer {token(signer, exp=int(NOW.timestamp()) + 100)}"
    for _ in range(3):
        await one.principal(header)
    assert metrics.value("tierflow_tokens_total", "verified") == 1
    clock.advance(timedelta(seconds=131))
    assert await refusal(one, header) == "exp"


async def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    signer, metrics = key("k"), ServiceMetrics("t")
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW), metrics)
    headers = [f"Bearer {token(signer, sub=name)}" for name in ("a", "b", "c")]
    for header in [*headers, headers[0]]:
        await one.principal(header)
    assert metrics.value("tierflow_tokens_total", "verified") == 4


async def test_a_new_key_is_fetched_but_not_more_often_than_allowed(tmp_path: Path) -> None:
    old, new, clock = key("old"), key("new"), ManualClock(NOW)
    path = write_keys(tmp_path / "jwks.json", old)
    one = authority(path, clock)
    await one.principal(f"Bearer {token(old)}")
    write_keys(path, old, new)
    header = f"Bearer {token(new)}"
    assert await refusal(one, header) == "signature"
    clock.advance(timedelta(seconds=30))
    assert (await one.principal(header)).subject == "anna"


async def test_keys_that_cannot_be_read_mean_503_not_401(tmp_path: Path) -> None:
    one = authority(tmp_path / "missing.json", ManualClock(NOW))
    with pytest.raises(Problem) as caught:
        await one.principal(f"Bearer {token(key('k'))}")
    assert caught.value.status_code == 503


async def test_keys_come_from_an_address_and_answers_are_bounded() -> None:
    signer, clock = key("k"), ManualClock(NOW)
    answers = {"good": msgspec.json.encode({"keys": [signer.as_dict(private=False)]}), "huge": b" " * 300_000}

    async def keys_at(name: str) -> KeySet | None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answers[name]))
        return await UrlKeys(f"https://issuer/{name}", clock, KeyAges(), 1.0, transport).refreshed()

    assert len((await keys_at("good") or KeySet([])).keys) == 1
    assert await keys_at("huge") is None


async def test_the_embedded_issuer_keeps_one_private_key(tmp_path: Path) -> None:
    clock, settings = ManualClock(NOW), ServiceSettings(data_dir=tmp_path / "new" / "data")
    first, second = EmbeddedIssuer.of(settings, clock), EmbeddedIssuer.of(settings, clock)
    mode = stat.S_IMODE((settings.data_dir / KEY_FILE).stat().st_mode)
    assert mode == 0o600
    assert b'"d"' not in first.jwks_path.read_bytes()
    one = authority_for(settings, clock)
    for issuer in (first, second):
        minted = issuer.mint("anna", ["sales:read"], timedelta(minutes=5), customer="C-1")
        assert (await one.principal(f"Bearer {minted}")).customer == "C-1"
    with pytest.raises(ValueError, match="unknown scopes: sales:everything"):
        first.mint("anna", ["sales:everything"], timedelta(minutes=5))
