"""Customers' keys in memory, for a bounded time and of a bounded number."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from tierflow_shared.privacy.kms import Kms, Wrapped
from tierflow_shared.privacy.sealing import KEY_BYTES, Key


class KeyStore(Protocol):
    """Where wrapped keys lie."""

    def read(self, customer_ids: Sequence[str]) -> Mapping[str, Wrapped | None]: ...
    def add(self, keys: Mapping[str, Wrapped]) -> None: ...


class Keyring:
    """Gets keys from the store, and makes them at first sight. Blocking and safe for threads.

    A key stays in memory for at most `keep_s` seconds; `forget` drops it at once.
    """

    def __init__(
        self,
        store: KeyStore,
        kms: Kms,
        *,
        keep_s: float,
        most: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._kms, self._keep_s, self._most, self._monotonic = store, kms, keep_s, most, monotonic
        self._known: OrderedDict[str, tuple[float, Key]] = OrderedDict()
        self._generation = 0
        self._lock = threading.Lock()

    def to_open(self, customer_ids: Iterable[str]) -> dict[str, Key | None]:
        """The keys; None for an erased customer; nothing for one whose key is not there.

        Raises:
            DependencyError: the keys cannot be had now.
        """
        wanted = set(customer_ids)
        found, generation = self._remembered(wanted)
        missing = sorted(wanted - found.keys())
        if missing:
            stored = self._store.read(missing)
            fresh = {
                customer_id: Key(self._kms.unwrap(customer_id, wrapped)) if wrapped is not None else None
                for customer_id, wrapped in stored.items()
            }
            self._remember(fresh, generation)
            found.update(fresh)
        return found

    def to_seal(self, customer_ids: Collection[str]) -> dict[str, Key | None]:
        """The same with a new key for everybody who has none.

        Raises:
            DependencyError: the keys cannot be had now.
        """
        found = self.to_open(customer_ids)
        without = sorted(set(customer_ids) - found.keys())
        if without:
            self._store.add({one: self._kms.wrap(one, os.urandom(KEY_BYTES)) for one in without})
            found.update(self.to_open(without))  # another process may have been faster: what is stored counts
        return found

    def forget(self, customer_ids: Iterable[str]) -> None:
        """Drops the keys of these customers, also those that are just being read."""
        with self._lock:
            self._generation += 1
            for customer_id in customer_ids:
                self._known.pop(customer_id, None)

    def _remembered(self, wanted: Iterable[str]) -> tuple[dict[str, Key | None], int]:
        now, found = self._monotonic(), dict[str, Key | None]()
        with self._lock:
            for customer_id in wanted:
                known = self._known.get(customer_id)
                if known is None:
                    continue
                if known[0] <= now:
                    del self._known[customer_id]
                else:
                    found[customer_id] = known[1]
            return found, self._generation

    def _remember(self, keys: Mapping[str, Key | None], generation: int) -> None:
        until = self._monotonic() + self._keep_s
        with self._lock:
            if generation != self._generation:
                return  # somebody was erased meanwhile; the next one reads again
            for customer_id, key in keys.items():
                if key is not None:
                    self._known[customer_id] = (until, key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
