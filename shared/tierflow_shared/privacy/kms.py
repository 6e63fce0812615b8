"""What wraps the customers' keys: a port for a key management service, and a local one with rotation."""

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tierflow_shared.ids import new_id
from tierflow_shared.privacy.sealing import KEY_BYTES, NONCE_BYTES
from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.store.engine import DependencyError

KEK_FILE: Final = "kek.key"


class KekError(ValueError):
    """The key-encryption keys are not what they must be."""


class UnknownKekError(DependencyError):
    """A customer's key is wrapped with a key-encryption key that we do not have (or it was altered)."""


class Wrapped(NamedTuple):
    """A customer's key as it is stored: which key-encryption key opens it, and the wrapped bytes."""

    kek_id: str
    wrapped: bytes


class Kms(Protocol):
    """Wraps and unwraps customers' keys; the customer's id is bound to the wrapped key."""

    @property
    def current(self) -> str:
        """The id of the key-encryption key that wraps now."""

    def wrap(self, customer_id: str, key: bytes) -> Wrapped: ...

    def unwrap(self, customer_id: str, wrapped: Wrapped) -> bytes:
        """The key.

        Raises:
            UnknownKekError: see there.
        """


class LocalKms:
    """Key-encryption keys from the environment or from a file. The first wraps, all unwrap.

    A file is read again when a key is wrapped with one that is not known: a rotation needs no restart to be read.
    """

    def __init__(self, keys: Sequence[bytes], path: Path | None = None) -> None:
        self._path = path
        self._take(keys)

    @staticmethod
    def of(settings: PrivacySettings) -> "LocalKms":
        """As the settings say; the embedded default makes its file (mode 0600) at the first start.

        Asked for when a service starts, not when its schema is migrated: a migration needs no key.

        Raises:
            KekError: no usable key.
        """
        if settings.kek is not None:
            return LocalKms(_parsed(settings.kek.get_secret_value().split(","), "TIERFLOW_KEK"))
        if settings.kek_file is None and settings.environment == "production":
            raise KekError("production needs TIERFLOW_KEK or TIERFLOW_KEK_FILE, the key that wraps customers' keys")
        path = settings.kek_file or settings.data_dir / KEK_FILE
        if settings.kek_file is None and settings.environment == "embedded":
            _make_if_missing(path)
        return LocalKms(_read(path), path)

    def _take(self, keys: Sequence[bytes]) -> None:
        self._keks = {kek_id(key): AESGCM(key) for key in keys}
        self._current = kek_id(keys[0])

    @property
    def current(self) -> str:
        return self._current

    def wrap(self, customer_id: str, key: bytes) -> Wrapped:
        nonce = os.urandom(NONCE_BYTES)
        return Wrapped(self._current, nonce + self._keks[self._current].encrypt(nonce, key, customer_id.encode()))

    def unwrap(self, customer_id: str, wrapped: Wrapped) -> bytes:
        if wrapped.kek_id not in self._keks and self._path is not None:
            self._take(_read(self._path))
        kek = self._keks.get(wrapped.kek_id)
        if kek is None:
            raise UnknownKekError(f"no key-encryption key with the id {wrapped.kek_id}")
        nonce, content = wrapped.wrapped[:NONCE_BYTES], wrapped.wrapped[NONCE_BYTES:]
        try:
            return kek.decrypt(nonce, content, customer_id.encode())
        except InvalidTag:
            raise UnknownKekError("a customer's wrapped key was altered") from None


def kek_id(key: bytes) -> str:
    """16 characters that name a key-encryption key and tell nothing about it."""
    return blake2b(key, digest_size=8, person=b"tierflow-kek").hexdigest()


def new_kek() -> str:
    """A fresh key-encryption key, as it stands in the environment or in a line of the file."""
    return b64encode(os.urandom(KEY_BYTES)).decode()


def put_first(path: Path, key: str) -> None:
    """Makes `key` the one that wraps; the others of the file stay and unwrap."""
    _write_whole(path, [key, *path.read_text(encoding="ascii").split()])


def keep_only(path: Path, ids: frozenset[str]) -> int:
    """Removes the key-encryption keys that nothing needs any more; returns how many. The first always stays."""
    words = path.read_text(encoding="ascii").split()
    kept = [word for index, word in enumerate(words) if index == 0 or kek_id(b64decode(word)) in ids]
    _write_whole(path, kept)
    return len(words) - len(kept)


def _read(path: Path) -> list[bytes]:
    try:
        return _parsed(path.read_text(encoding="ascii").split(), str(path))
    except (FileNotFoundError, UnicodeDecodeError):
        raise KekError(f"{path} does not hold key-encryption keys") from None


def _parsed(words: Sequence[str], where: str) -> list[bytes]:
    try:
        keys = [b64decode(word.strip(), validate=True) for word in words if word.strip()]
    except (Base64Error, ValueError):
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise KekError(f"{where}: a key-encryption key is {KEY_BYTES} bytes in base64 (tierflow keys new)")
    return keys


def _make_if_missing(path: Path) -> None:
    """The first process that starts makes the file, whole, and the others take that one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _written_beside(path, [new_kek()])
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _write_whole(path: Path, words: Sequence[str]) -> None:
    _written_beside(path, words).replace(path)


def _written_beside(path: Path, words: Sequence[str]) -> Path:
    beside = path.with_name(f".{path.name}.{new_id('new')}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(words) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside
