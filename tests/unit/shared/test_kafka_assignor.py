"""The sticky assignor: even within each topic, complete, without overlap, and nobody moves without need."""

from hypothesis import given
from hypothesis import strategies as st

from tierflow_shared.bus.kafka.assignor import _Held, share_out
from tierflow_shared.bus.port import TopicPartition

MEMBERS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True)
TOPICS = st.dictionaries(st.sampled_from(["t", "u", "v"]), st.integers(1, 12), min_size=1)


def spread(
    topics: dict[str, int], members: list[str], before: dict[str, list[TopicPartition]], generation: int = 1
) -> dict[str, list[TopicPartition]]:
    held = {member: _Held(generation, tuple(before.get(member, ()))) for member in members}
    partitions = {topic: list(range(count)) for topic, count in topics.items()}
    return share_out(partitions, dict.fromkeys(partitions, sorted(members)), held)


@given(TOPICS, MEMBERS, MEMBERS)
def test_shares_are_complete_disjoint_and_even(topics: dict[str, int], first: list[str], then: list[str]) -> None:
    """After any change of members, each topic is dealt out fully and the shares differ by one at most."""
    shares = spread(topics, then, spread(topics, first, {}))
    dealt = sorted(here for share in shares.values() for here in share)
    assert dealt == sorted(TopicPartition(topic, n) for topic, count in topics.items() for n in range(count))
    for topic in topics:
        counts = [sum(here.topic == topic for here in share) for share in shares.values()]
        assert max(counts) - min(counts) <= 1


@given(TOPICS, MEMBERS)
def test_nothing_moves_when_nobody_comes_or_goes(topics: dict[str, int], members: list[str]) -> None:
    """A rebalance for another reason keeps all as it was."""
    before = spread(topics, members, {})
    after = spread(topics, members, before)
    assert {member: sorted(share) for member, share in after.items()} == {
        member: sorted(share) for member, share in before.items()
    }


@given(TOPICS, MEMBERS)
def test_who_stays_keeps_all_it_had_when_another_goes(topics: dict[str, int], members: list[str]) -> None:
    """Only what the one who left had is dealt out anew."""
    before = spread(topics, members, {})
    gone, *stay = members
    if stay:
        after = spread(topics, stay, before)
        assert all(set(before[member]) <= set(after[member]) for member in stay), gone


def test_the_newer_generation_is_believed() -> None:
    """A zombie that still names its old partitions does not get them back from their new owner."""
    mine = (TopicPartition("t", 0), TopicPartition("t", 1))
    held = {"zombie": _Held(3, mine), "owner": _Held(5, (mine[0],))}
    shares = share_out({"t": [0, 1]}, {"t": ["owner", "zombie"]}, held)
    assert shares == {"owner": [mine[0]], "zombie": [mine[1]]}
