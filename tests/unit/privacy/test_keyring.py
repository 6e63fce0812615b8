"""Keys in memory: made once, kept for a while, gone at once when they must be."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tierflow_shared.privacy.keyring import Keyring
from tierflow_shared.privacy.kms import LocalKms, Wrapped
from tierflow_shared.privacy.settings import PrivacySettings


class Store:
    """Keys in a dictionary, and how often they were asked for; `meanwhile` happens after each read."""

    def __init__(self) -> None:
        self.keys: dict[str, Wrapped | None] = {}
        self.reads = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self, customer_ids: Sequence[str]) -> Mapping[str, Wrapped | None]:
        self.reads += 1
        found = {one: self.keys[one] for one in customer_ids if one in self.keys}
        self.meanwhile()
        return found

    def add(self, keys: Mapping[str, Wrapped]) -> None:
        for customer_id, key in keys.items():
            self.keys.setdefault(customer_id, key)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def kms(tmp_path: Path) -> LocalKms:
    return LocalKms.of(PrivacySettings(data_dir=tmp_path))


def ring(store: Store, kms: LocalKms, clock: Clock | None = None, most: int = 100) -> Keyring:
    return Keyring(store, kms, keep_s=300.0, most=most, monotonic=clock or Clock())


def test_two_processes_use_one_key(kms: LocalKms) -> None:
    """Both make one at first sight; the one that is stored counts."""
    store = Store()
    one, two = ring(store, kms), ring(store, kms)
    first = one.to_seal(["c-1"])["c-1"]
    second = two.to_seal(["c-1"])["c-1"]
    assert first is not None
    assert second is not None
    assert second.open("c-1", "name", first.seal("c-1", "name", "Jan")) == "Jan"


def test_a_key_is_kept_for_a_bounded_time(kms: LocalKms) -> None:
    store, clock = Store(), Clock()
    keys = ring(store, kms, clock)
    keys.to_seal(["c-1"])
    asked = store.reads
    keys.to_open(["c-1"])
    assert store.reads == asked
    clock.now = 300.0
    keys.to_open(["c-1"])
    assert store.reads == asked + 1


def test_an_erased_customer_has_no_key_and_gets_none(kms: LocalKms) -> None:
    store = Store()
    keys = ring(store, kms)
    keys.to_seal(["c-1", "c-2"])
    store.keys["c-1"] = None
    keys.forget(["c-1"])
    assert keys.to_seal(["c-1"]) == {"c-1": None}
    assert keys.to_open(["c-1", "c-2", "c-3"]).keys() == {"c-1", "c-2"}


def test_a_key_that_is_being_read_while_it_is_erased_is_not_kept(kms: LocalKms) -> None:
    """The read began before the erasure and ends after it."""
    store = Store()
    ring(store, kms).to_seal(["c-1"])
    keys = ring(store, kms)

    def erase() -> None:
        store.keys["c-1"] = None
        keys.forget(["c-1"])

    store.meanwhile = erase
    keys.to_open(["c-1"])
    store.meanwhile = lambda: None
    assert keys.to_open(["c-1"]) == {"c-1": None}


def test_memory_is_bounded(kms: LocalKms) -> None:
    store = Store()
    keys = ring(store, kms, most=10)
    keys.to_seal([f"c-{number}" for number in range(50)])
    assert len(keys._known) == 10
