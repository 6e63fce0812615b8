"""Seals and opens personal fields of events and texts of a service's own. What a service sees of all this."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import MetaData

from tierflow_shared.clock import Clock
from tierflow_shared.contracts.personal import is_personal, personal_texts, with_opened, with_sealed
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.contracts.registry import TYPE_OF_DATA
from tierflow_shared.privacy.keyring import Keyring
from tierflow_shared.privacy.kms import LocalKms
from tierflow_shared.privacy.sealing import PREFIX, Key, TamperedError
from tierflow_shared.privacy.settings import PrivacySettings
from tierflow_shared.privacy.store import SqlKeyStore, key_table
from tierflow_shared.store.database import Database
from tierflow_shared.store.engine import DatabaseLimits

_log = structlog.get_logger("tierflow.privacy")


class ErasedError(Exception):
    """The customer was erased: nothing personal is taken in under this id any more."""


class NotOpenedError(Exception):
    """An event's personal fields cannot be read: their key is lost, they were altered, or they lie in the clear."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ToSeal(NamedTuple):
    """An event's data, and 16 bytes that stand for the event's source and id."""

    data: Data
    identity: bytes


class Vault:
    """`seals` False leaves everything in the clear: the control of a test. Blocking; call it from worker threads."""

    def __init__(
        self, keyring: Keyring, store: SqlKeyStore, *, seals: bool = True, accepts_clear: bool = False
    ) -> None:
        self._keyring, self._store, self._seals = keyring, store, seals
        self._refuses_clear = seals and not accepts_clear

    @staticmethod
    def of(settings: PrivacySettings, clock: Clock, database: Database | None = None) -> "Vault":
        """The vault of these settings; `database` is the one with the keys where a service has it open already."""
        if database is None:
            metadata = MetaData()
            key_table(metadata)
            limits = DatabaseLimits.of(settings.model_copy(update={"database_pool_size": 2}))
            database = Database(settings.keys_database_url, metadata, service="keys", clock=clock, limits=limits)
        store = SqlKeyStore(database)
        keyring = Keyring(store, LocalKms.of(settings), keep_s=settings.keys_cache_s, most=settings.keys_cache_size)
        accepts = settings.clear_on_log == "accept"
        return Vault(keyring, store, seals=settings.personal_data == "sealed", accepts_clear=accepts)

    def seal_events(self, events: Sequence[ToSeal]) -> list[Data | None]:
        """Each event's data with its personal fields sealed; None where the customer was erased."""
        if not self._seals:
            return [event.data for event in events]
        keys = self._keyring.to_seal({_customer(event.data) for event in events})
        return [_sealed(event, keys) for event in events]

    def open_events(self, data: Sequence[Data]) -> list[Data | NotOpenedError]:
        """Each event's data in the clear, without the fields of erased customers; an error where it cannot be."""
        keys = self._keyring.to_open({_customer(one) for one in data if _fields(one)})
        return [self._opened(one, keys) for one in data]

    def _opened(self, data: Data, keys: Mapping[str, Key | None]) -> Data | NotOpenedError:
        if self._refuses_clear and is_personal(data):
            return NotOpenedError("personal-in-clear", "personal fields lie on the log unsealed; send it over HTTP")
        return _opened(data, keys) if _fields(data) else data

    def seal_text(self, customer_id: str, field: str, text: str) -> str:
        """A text of the service's own under the customer's key.

        Raises:
            ErasedError: see there.
        """
        if not self._seals:
            return text
        key = self._keyring.to_seal([customer_id])[customer_id]
        if key is None:
            raise ErasedError
        return key.seal(customer_id, field, text)

    def open_texts(self, field: str, texts: Sequence[tuple[str, str]]) -> list[str | None]:
        """The clear texts of (customer id, sealed text) pairs; None where the customer was erased.

        A text that cannot be read although nobody was erased reads the same and is logged as an error: one lost key
        must not hold up the others. Raises `DependencyError` when the keys cannot be had now.
        """
        keys = self._keyring.to_open({customer_id for customer_id, text in texts if text.startswith(PREFIX)})
        return [_open_text(keys, customer_id, field, text) for customer_id, text in texts]

    def forget(self, customer_ids: Iterable[str]) -> None:
        """Drops the keys of these customers from memory."""
        self._keyring.forget(customer_ids)

    def settle(self) -> None:
        """After an erasure: no old page of the keys' table is left beside the database (SQLite)."""
        self._store.settle()

    def close(self) -> None:
        """Closes the database of the keys, if it is the vault's own."""
        self._store.close()


def _customer(data: Data) -> str:
    return str(getattr(data, TYPE_OF_DATA[type(data)].key_field))


def _fields(data: Data) -> Mapping[str, str] | None:
    return getattr(data, "sealed", None)


def _sealed(event: ToSeal, keys: Mapping[str, Key | None]) -> Data | None:
    data, customer_id = event.data, _customer(event.data)
    key = keys[customer_id]
    if key is None:
        return None
    name = TYPE_OF_DATA[type(data)].name
    texts = personal_texts(data)
    return with_sealed(
        data,
        {path: key.seal(customer_id, f"{name}/{path}", text, event.identity) for path, text in texts.items()},
    )


def _opened(data: Data, keys: Mapping[str, Key | None]) -> Data | NotOpenedError:
    customer_id, fields = _customer(data), _fields(data) or {}
    if customer_id not in keys:
        return NotOpenedError("key-missing", "the customer's key is not there, nor the mark of an erasure")
    key, name = keys[customer_id], TYPE_OF_DATA[type(data)].name
    try:
        texts = {
            path: None if key is None else key.open(customer_id, f"{name}/{path}", sealed)
            for path, sealed in fields.items()
        }
        return with_opened(data, texts)
    except ValueError:
        return NotOpenedError("seal-broken", "a sealed field is not what was sealed for this customer and field")


def _open_text(keys: Mapping[str, Key | None], customer_id: str, field: str, text: str) -> str | None:
    if not text.startswith(PREFIX):
        return text  # written in the clear, by a test's control or by a version that did not seal
    if customer_id not in keys:
        _log.error("a customer's key is not there, nor the mark of an erasure", customer=customer_id, field=field)
        return None
    key = keys[customer_id]
    try:
        return None if key is None else key.open(customer_id, field, text)
    except TamperedError:
        _log.error("a sealed text was altered", customer=customer_id, field=field)
        return None


__all__ = ["ErasedError", "NotOpenedError", "ToSeal", "Vault"]
