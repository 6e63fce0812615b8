"""Duplicates and conflicts: the first content of an id counts, however the rest is cut into requests."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tierflow_events.domain.placing import Candidate, Known, Place, Placement, placements, plan

ARRIVALS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=30)


def candidate(number: int, content: int) -> Candidate:
    name, text = f"E-{number}", bytes([content])
    return Candidate(name, "/s", "t", name.encode(), text, "bank.events", "C", text, ())


class Model:
    """The log and the index as the slow, obvious dictionary they are."""

    def __init__(self) -> None:
        self.known: dict[bytes, Known] = {}
        self.log: list[bytes] = []

    def take(self, candidates: Sequence[Candidate]) -> list[Placement]:
        made = plan(candidates, {c.id_hash: self.known[c.id_hash] for c in candidates if c.id_hash in self.known})
        places = []
        for fresh in made.fresh:
            places.append(Place("bank.events", 0, len(self.log)))
            self.log.append(fresh.id_hash)
            self.known[fresh.id_hash] = Known(fresh.content_hash, places[-1])
        return placements(made, places)


@given(ARRIVALS, st.integers(1, 7))
def test_the_outcome_of_each_event_does_not_depend_on_how_they_are_cut_into_requests(
    arrivals: list[tuple[int, int]], size: int
) -> None:
    candidates = [candidate(number, content) for number, content in arrivals]
    whole, pieces = Model(), Model()
    at_once = whole.take(candidates)
    cut = [p for start in range(0, len(candidates), size) for p in pieces.take(candidates[start : start + size])]
    assert at_once == cut
    assert whole.log == pieces.log


@given(ARRIVALS)
def test_each_id_lies_on_the_log_once_and_only_its_first_content_is_ever_accepted(
    arrivals: list[tuple[int, int]],
) -> None:
    model = Model()
    result = model.take([candidate(number, content) for number, content in arrivals])
    assert len(model.log) == len(set(model.log)) == len({number for number, _ in arrivals})
    first: dict[int, int] = {}
    for (number, content), placement in zip(arrivals, result, strict=True):
        expected = "accepted" if number not in first else "duplicate" if first[number] == content else "conflict"
        first.setdefault(number, content)
        assert placement.status == expected
        assert model.log[placement.place.offset] == f"E-{number}".encode()
