"""What an operator does with keys on the databases themselves: rotation, and erasures after a restore."""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from tierflow_events import app as events
from tierflow_events.adapters.erasures import SqlErasureBook
from tierflow_events.handlers.erasing import erased_event_id, hear
from tierflow_events.settings import EventsSettings
from tierflow_shared.clock import SystemClock
from tierflow_shared.contracts.outcomes import CustomerErased
from tierflow_shared.privacy.kms import KEK_FILE, KekError, LocalKms, keep_only, new_kek, put_first
from tierflow_shared.privacy.store import SqlKeyStore
from tierflow_shared.privacy.vault import Vault

_CHUNK = 1_000


class Rotation(NamedTuple):
    """What a rotation did."""

    rewrapped: int
    kek_id: str
    dropped: int


def apply_list(path: Path, data_dir: Path) -> tuple[int, int]:
    """Carries out erasures that a restored database does not know. Returns (keys deleted, keys that were gone)."""
    told = [_told(one) for one in msgspec.json.decode(path.read_bytes(), type=list[dict[str, str]])]
    settings = EventsSettings(data_dir=data_dir)
    deleted = 0
    with closing(events.open_database(settings, SystemClock())) as database:
        vault = Vault.of(settings, SystemClock(), database)
        for one in told:
            with database.writing() as uow:
                deleted += hear(SqlErasureBook(uow, vault), one)
                uow.emit(one, event_id=erased_event_id(one.erasure_id))
    return deleted, len(told) - deleted


def _told(row: dict[str, str]) -> CustomerErased:
    return msgspec.convert(
        {
            "erasure_id": row["id"],
            "customer_id": row["customer_id"],
            "basis": row["basis"],
            "requested_by": row["requested_by"],
            "confirmed_by": row["confirmed_by"],
            "erased_at": row["confirmed_at"],
        },
        CustomerErased,
    )


def rotate(data_dir: Path, *, new: bool, drop: bool) -> Rotation:
    """Wraps every customer's key with the first key-encryption key; the data keys themselves stay.

    Raises:
        KekError: a fresh key is wanted, but the keys stand in the environment.
    """
    settings = EventsSettings(data_dir=data_dir)
    path = settings.kek_file or data_dir / KEK_FILE
    if (new or drop) and settings.kek is not None:
        raise KekError("the keys stand in TIERFLOW_KEK: put the new one first there (tierflow keys new), and run again")
    LocalKms.of(settings)  # the embedded default makes its file
    if new:
        put_first(path, new_kek())
    kms = LocalKms.of(settings)
    with closing(events.open_database(settings, SystemClock())) as database:
        store, done = SqlKeyStore(database), 0
        while found := store.wrapped_otherwise(kms.current, _CHUNK):
            store.rewrap({one: (old, kms.wrap(one, kms.unwrap(one, old))) for one, old in found.items()})
            done += len(found)
        dropped = keep_only(path, store.kek_ids()) if drop else 0
    return Rotation(done, kms.current, dropped)
