"""Keys come and go at the issuer: a new one is fetched, a removed one stops working within a stated time."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from tests.unit.web.small_app import NOW
from tests.unit.web.test_tokens import RULES, key, refusal, token, write_keys
from tierflow_shared.clock import ManualClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.authority import Authority, authority_for
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.keys import FileKeys, KeyAges
from tierflow_shared.web.problems import Problem

pytestmark = pytest.mark.anyio
AGES = KeyAges(refetch_s=30, max_age_s=300, stale_s=3600)
LONG = int(NOW.timestamp()) + 7 * 86_400


def authority(path: Path, clock: ManualClock) -> Authority:
    return Authority(FileKeys(path, clock, AGES), RULES, clock)


async def test_a_removed_key_stops_working_within_the_stated_time(tmp_path: Path) -> None:
    """`jwks_max_age_s` and then `token_cache_s` at the latest: 600 seconds with the defaults."""
    old, new, clock = key("old"), key("new"), ManualClock(NOW)
    path = write_keys(tmp_path / "jwks.json", old)
    one = authority(path, clock)
    seen, unseen = f"Bearer {token(old, exp=LONG)}", f"Bearer {token(old, exp=LONG, sub='boris')}"
    await one.principal(seen)
    write_keys(path, new)
    clock.advance(timedelta(seconds=AGES.max_age_s))
    assert await refusal(one, unseen) == "signature"
    clock.advance(timedelta(seconds=RULES.cache_s))
    assert await refusal(one, seen) == "signature"


async def test_keys_that_cannot_be_read_again_are_kept_for_a_while_and_then_given_up(tmp_path: Path) -> None:
    signer, clock = key("k"), ManualClock(NOW)
    path = write_keys(tmp_path / "jwks.json", signer)
    one = authority(path, clock)
    header = f"Bearer {token(signer, exp=LONG)}"
    await one.principal(header)
    path.unlink()
    clock.advance(timedelta(seconds=AGES.stale_s - 1))
    assert (await one.principal(header)).subject == "anna"
    clock.advance(timedelta(seconds=RULES.cache_s))
    with pytest.raises(Problem) as caught:
        await one.principal(header)
    assert caught.value.status_code == 503


async def test_a_flood_of_unknown_keys_does_not_become_a_flood_to_the_issuer(tmp_path: Path) -> None:
    signer, clock = key("k"), ManualClock(NOW)
    path = write_keys(tmp_path / "jwks.json", signer)

    class Counted(FileKeys):
        reads = 0

        async def _read(self) -> bytes:
            Counted.reads += 1
            return await super()._read()

    one = Authority(Counted(path, clock, AGES), RULES, clock)
    for number in range(50):
        assert await refusal(one, f"Bearer {token(ECKey.generate_key('P-256', {'kid': f'k{number}'}))}") == "signature"
    assert Counted.reads == 1


async def test_who_acts_for_a_customer_sees_that_customer_alone(tmp_path: Path) -> None:
    """RFC 8693: `sub` is the customer, `act` the system that acts; nothing says that it may see more."""
    signer, clock = key("k"), ManualClock(NOW)
    one = authority(write_keys(tmp_path / "jwks.json", signer), clock)
    delegated = await one.principal(f"Bearer {token(signer, sub='c-1', act={'sub': 'mobile'})}")
    assert (delegated.subject, delegated.customer, delegated.actor) == ("c-1", "c-1", "mobile")
    for_manager = await one.principal(f"Bearer {token(signer, sub='rm-1', rm='rm-1', act={'sub': 'tool'})}")
    assert (for_manager.customer, for_manager.rm) == (None, "rm-1")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"customer": "c", "rm": "rm"}, "rm"),
        ({"rm": ["rm-1"]}, "rm"),
        ({"rm": ""}, "rm"),
        ({"act": "mobile"}, "act"),
        ({"act": {}}, "act"),
        ({"act": {"sub": 7}}, "act"),
    ],
)
async def test_claims_of_confinement_that_are_not_clear_are_refused(
    tmp_path: Path, changes: dict[str, object], rule: str
) -> None:
    signer = key("k")
    one = authority(write_keys(tmp_path / "jwks.json", signer), ManualClock(NOW))
    assert await refusal(one, f"Bearer {token(signer, **changes)}") == rule


async def test_the_embedded_issuer_says_whom_a_token_is_confined_to(tmp_path: Path) -> None:
    clock, settings = ManualClock(NOW), ServiceSettings(data_dir=tmp_path)
    issuer, one = EmbeddedIssuer.of(settings, clock), authority_for(settings, clock)
    minted = issuer.mint("rm-7", ["contacts:read"], timedelta(minutes=5), rm="rm-7", actor="tool")
    principal = await one.principal(f"Bearer {minted}")
    assert (principal.rm, principal.customer, principal.actor) == ("rm-7", None, "tool")


WORDS = st.text("ABCabc019_-=.{}\"'\\ \x00é", max_size=200)


@given(words=st.one_of(WORDS, st.tuples(WORDS, WORDS, WORDS).map(".".join), st.binary(max_size=60).map(repr)))
async def test_nothing_that_is_sent_as_a_token_is_an_error_of_ours(
    words: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write_keys(tmp_path_factory.getbasetemp() / "jwks.json", KEY)
    assert await refusal(authority(path, ManualClock(NOW)), f"Bearer {words}") in {"token", "signature"}


KEY = key("k")
