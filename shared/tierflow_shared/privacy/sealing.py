"""A text under a customer's key: AES-256-GCM-SIV of the library `cryptography`, bound to whose and which field it is.

GCM-SIV because an event must always be sealed into the same bytes: then a repetition is known as one, and a repetition
of a nonce, which would break GCM, shows no more than that two texts are equal.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

PREFIX: Final = "s1."
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class TamperedError(ValueError):
    """The text is not what was sealed for this customer and field."""


class Key:
    """A customer's data key, ready for use. Shows nothing of itself."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCMSIV(key)

    def seal(self, customer_id: str, field: str, text: str, identity: bytes | None = None) -> str:
        """The sealed text. The same `identity` (of an event), field and text give the same bytes; without it, never."""
        nonce = os.urandom(NONCE_BYTES) if identity is None else _nonce(identity, field)
        content = self._cipher.encrypt(nonce, text.encode(), _about(customer_id, field))
        return PREFIX + urlsafe_b64encode(nonce + content).rstrip(b"=").decode()

    def open(self, customer_id: str, field: str, sealed: str) -> str:
        """The clear text.

        Raises:
            TamperedError: see there.
        """
        try:
            raw = urlsafe_b64decode(sealed.removeprefix(PREFIX).encode("ascii") + b"==")
            clear = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _about(customer_id, field))
        except (InvalidTag, Base64Error, ValueError):
            raise TamperedError("a sealed field is not what was sealed for this customer and field") from None
        return clear.decode()


def _nonce(identity: bytes, field: str) -> bytes:
    return blake2b(identity + b"\x1f" + field.encode(), digest_size=NONCE_BYTES).digest()


def _about(customer_id: str, field: str) -> bytes:
    return f"{customer_id}\x1f{field}".encode()
