"""What wraps customers' keys: from the environment or a file, rotated without a restart."""

import stat
from base64 import b64decode
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from tierflow_shared.privacy.kms import (
    KEK_FILE,
    KekError,
    LocalKms,
    UnknownKekError,
    keep_only,
    kek_id,
    new_kek,
    put_first,
)
from tierflow_shared.privacy.settings import PrivacySettings

KEY = b"c" * 32
PRODUCTION = {"environment": "production", "issuer": "https://issuer", "jwks": "https://issuer/keys"}


def test_the_embedded_default_makes_its_file_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = PrivacySettings(data_dir=tmp_path)
    wrapped = LocalKms.of(settings).wrap("c-1", KEY)
    assert stat.S_IMODE((tmp_path / KEK_FILE).stat().st_mode) == 0o600
    assert LocalKms.of(settings).unwrap("c-1", wrapped) == KEY
    assert [path.name for path in tmp_path.iterdir()] == [KEK_FILE]


def test_production_does_not_start_without_a_key(tmp_path: Path) -> None:
    """Nor in the clear. A migration reads the same settings and needs no key."""
    settings = PrivacySettings(data_dir=tmp_path, **PRODUCTION)  # type: ignore[arg-type]
    with pytest.raises(KekError, match="TIERFLOW_KEK"):
        LocalKms.of(settings)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValidationError, match="must be sealed"):
        PrivacySettings(data_dir=tmp_path, personal_data="clear", **PRODUCTION)  # type: ignore[arg-type]
    given = PrivacySettings(data_dir=tmp_path, kek=SecretStr(new_kek()), **PRODUCTION)  # type: ignore[arg-type]
    assert LocalKms.of(given).current


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    secret = new_kek()
    assert secret not in repr(PrivacySettings(data_dir=tmp_path, kek=SecretStr(secret)))
    with pytest.raises(KekError) as refused:
        LocalKms.of(PrivacySettings(data_dir=tmp_path, kek=SecretStr(secret[:20])))
    assert secret[:8] not in str(refused.value)


@pytest.mark.parametrize("content", ["", "short", "ä", "AAAA\nbad"])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KekError):
        LocalKms.of(PrivacySettings(data_dir=tmp_path, kek_file=path))
    with pytest.raises(KekError):
        LocalKms.of(PrivacySettings(data_dir=tmp_path, kek_file=tmp_path / "nowhere"))


def test_a_running_service_reads_the_file_again_when_it_meets_a_new_key(tmp_path: Path) -> None:
    settings, path = PrivacySettings(data_dir=tmp_path), tmp_path / KEK_FILE
    running = LocalKms.of(settings)
    old = running.wrap("c-1", KEY)
    fresh = new_kek()
    put_first(path, fresh)
    rotating = LocalKms.of(settings)
    assert rotating.current == kek_id(b64decode(fresh)) != old.kek_id
    anew = rotating.wrap("c-1", rotating.unwrap("c-1", old))
    assert running.unwrap("c-1", anew) == KEY
    assert running.unwrap("c-1", old) == KEY
    assert keep_only(path, frozenset({anew.kek_id})) == 1
    assert LocalKms.of(settings).unwrap("c-1", anew) == KEY
    with pytest.raises(UnknownKekError):
        LocalKms.of(settings).unwrap("c-1", old)


def test_a_wrapped_key_belongs_to_its_customer(tmp_path: Path) -> None:
    kms = LocalKms.of(PrivacySettings(data_dir=tmp_path))
    with pytest.raises(UnknownKekError):
        kms.unwrap("c-2", kms.wrap("c-1", KEY))
