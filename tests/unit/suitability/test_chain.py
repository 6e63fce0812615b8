"""The hash chain of the audit log."""

from dataclasses import replace

import pytest

from tierflow_suitability.domain.chain import GENESIS, Link, link_hash, verify


def chain(*contents: bytes) -> list[Link]:
    links, head = [], GENESIS
    for seq, content in enumerate(contents, start=1):
        links.append(Link(seq, head, link_hash(head, seq, content), content))
        head = links[-1].hash
    return links


GOOD = chain(b"one", b"two", b"three")


def test_a_whole_chain_is_intact() -> None:
    """Also the empty one."""
    assert verify(GOOD, 3, GOOD[-1].hash).intact
    assert verify([], 0, GENESIS).intact


@pytest.mark.parametrize(
    ("links", "broken_at"),
    [
        ([GOOD[0], replace(GOOD[1], content=b"2"), GOOD[2]], 2),
        ([GOOD[0], GOOD[2]], 2),
        ([GOOD[0], GOOD[1]], 3),
        ([GOOD[0], replace(GOOD[2], seq=2), replace(GOOD[1], seq=3)], 2),
        (chain(b"one", b"2", b"three"), 4),
        ([*GOOD, Link(4, GOOD[-1].hash, link_hash(GOOD[-1].hash, 4, b"four"), b"four")], 5),
    ],
    ids=["changed", "removed", "cut off", "swapped", "rebuilt", "added"],
)
def test_tampering_shows_and_is_located(links: list[Link], broken_at: int) -> None:
    """Changed, removed, swapped, added, cut off, or rebuilt with fresh hashes."""
    report = verify(links, 3, GOOD[-1].hash)
    assert not report.intact
    assert report.broken_at == broken_at
    assert report.reason
