"""Records made of the library's: the same content, and what repeats from message to message is kept once."""

from dataclasses import dataclass

from tierflow_shared.bus.kafka.records import record_maker, to_records
from tierflow_shared.bus.port import Record

Headers = list[tuple[str, bytes]]


@dataclass
class Found:
    """What the library gives for a message."""

    offset: int
    headers: Headers
    key: bytes | None = b"c1"
    value: bytes | None = b"{}"
    timestamp: int = 7


def headers(event_id: str, event_type: str = "a.v1") -> Headers:
    return [("ce_id", event_id.encode()), ("ce_type", event_type.encode()), ("ce_source", b"/core")]


def test_equal_headers_are_kept_once_and_others_stay_their_own() -> None:
    first, second, third = to_records(
        "t", 3, [Found(0, headers("1")), Found(1, headers("2")), Found(2, headers("3", "b.v1"))]
    )
    assert [dict(one.headers)["ce_id"] for one in (first, second, third)] == [b"1", b"2", b"3"]
    assert [one.type for one in (first, second, third)] == ["a.v1", "a.v1", "b.v1"]
    assert second.headers[1] is first.headers[1]
    assert third.headers[2] is first.headers[2]


def test_a_message_with_other_headers_takes_nothing_from_the_one_before() -> None:
    bare = Found(1, [("ce_type", b"a.v1")])
    _, second, third = to_records("t", 0, [Found(0, headers("1")), bare, Found(2, [], key=None, value=None)])
    assert second.headers == (("ce_type", b"a.v1"),)
    assert third == Record("t", 0, 2, 7, "", "", (), b"")


def test_what_differs_in_every_message_is_its_own() -> None:
    """Id, time and trace; what stands in their place under another name changes nothing but itself."""
    named = [("ce_id", b"1"), ("ce_type", b"a.v1"), ("ce_time", b"t1"), ("ce_source", b"/core"), ("traceparent", b"x")]
    later = [("ce_id", b"2"), ("ce_type", b"a.v1"), ("ce_time", b"t2"), ("ce_source", b"/core"), ("traceparent", b"y")]
    other = [("ce_type", b"b.v1"), *later[1:]]
    found = to_records("t", 0, [Found(n, list(one)) for n, one in enumerate((named, later, other, named, later[:3]))])
    assert [one.headers for one in found] == [tuple(one) for one in (named, later, other, named, later[:3])]
    assert [one.type for one in found] == ["a.v1", "a.v1", "b.v1", "a.v1", "a.v1"]
    assert found[1].headers[3] is found[0].headers[3]


def test_the_first_type_counts_and_text_that_is_none_is_replaced() -> None:
    make = record_maker("t", 0)
    twice = make(None, Found(0, [("ce_type", b"a.v1"), ("ce_type", b"b.v1")], key=b"\xff"))
    assert (twice.type, twice.key) == ("a.v1", "�")
    assert make(None, Found(1, [("ce_type", None), ("ce_id", b"1")])).type == ""  # type: ignore[list-item]
