"""A sealed text opens under its key, for its customer and field, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierflow_shared.privacy.sealing import Key, TamperedError

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(TEXT, st.binary(min_size=16, max_size=16))
def test_it_opens_again(text: str, identity: bytes) -> None:
    assert KEY.open("c-1", "name", KEY.seal("c-1", "name", text)) == text
    assert KEY.open("c-1", "name", KEY.seal("c-1", "name", text, identity)) == text


def test_an_event_is_sealed_into_the_same_bytes_each_time() -> None:
    """A repetition must be known as one; other events and texts of the service's own look different each time."""
    sealed = KEY.seal("c-1", "name", "Jan", b"event-1")
    assert sealed == KEY.seal("c-1", "name", "Jan", b"event-1")
    assert len({sealed, KEY.seal("c-1", "name", "Jan", b"event-2"), KEY.seal("c-1", "phone", "Jan", b"event-1")}) == 3
    assert KEY.seal("c-1", "name", "Jan", b"event-1") != KEY.seal("c-1", "name", "Eva", b"event-1")
    assert KEY.seal("c-1", "note", "Jan") != KEY.seal("c-1", "note", "Jan")


@pytest.mark.parametrize(
    ("key", "customer", "field", "change"),
    [
        (OTHER, "c-1", "name", str),
        (KEY, "c-2", "name", str),
        (KEY, "c-1", "phone", str),
        (KEY, "c-1", "name", lambda text: text[:-2] + ("AA" if text[-2:] != "AA" else "BB")),
        (KEY, "c-1", "name", lambda text: text[:10]),
        (KEY, "c-1", "name", lambda _: "s1.not base64 at all!"),
        (KEY, "c-1", "name", lambda _: "s1.é"),
    ],
)
def test_it_opens_nowhere_else(key: Key, customer: str, field: str, change: "type[str]") -> None:
    with pytest.raises(TamperedError):
        key.open(customer, field, change(KEY.seal("c-1", "name", "Jan")))


def test_a_key_shows_nothing_of_itself() -> None:
    assert "k" * 8 not in repr(KEY) + str(KEY)
