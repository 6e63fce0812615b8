"""Features and tier paths are what a slow, obvious program says, whatever the order, batches and partitions."""

from dataclasses import replace
from datetime import date

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.scoring.bank import DAY_0, Said, records
from tests.property.scoring.harness import Scoring
from tests.property.scoring.oracle import answer
from tests.property.scoring.stories import LAST_DAY, closing, small_policies, stories
from tierflow_scoring.domain.days import date_of, day_of
from tierflow_shared.contracts.outcomes import BusinessDateAdvanced
from tierflow_shared.contracts.primitives import Data

POLICIES = small_policies()
END = day_of(DAY_0) + LAST_DAY + 1
cuts = st.lists(st.integers(1, 30), max_size=6)


def spread(said: list[Said]) -> list[Said]:
    """The same story on days nine times as far apart: a year and a half, so that all windows are left again."""
    return [replace(event, data=_later(event.data)) for event in said]


def _later(data: Data) -> Data:
    dates = {name: value for name in data.__struct_fields__ if type(value := getattr(data, name)) is date}
    return msgspec.structs.replace(data, **{name: DAY_0 + (value - DAY_0) * 9 for name, value in dates.items()})


@given(stories(), cuts, st.sampled_from([0, 3, 1000]))
@settings(max_examples=10)
def test_windows_are_left_again_after_30_90_and_365_days(said: list[Said], batches: list[int], kept: int) -> None:
    """The oracle's answer after a year and a half, with windows closed from memory or from the tables."""
    end = day_of(DAY_0) + 9 * LAST_DAY + 10
    over = Said(BusinessDateAdvanced(business_date=date_of(end + 1)), said[0].time, "the-end")
    expected = answer(spread(said), POLICIES, end)
    with Scoring(POLICIES, recent_money_limit=kept) as scoring:
        scoring.process(records([*spread(said), over]), batches)
        assert scoring.features(end).items() >= {name: one.features for name, one in expected.items()}.items()
        assert scoring.paths() == {name: one.paths for name, one in expected.items()}


@given(stories(), cuts)
@settings(max_examples=60)
def test_features_and_paths_equal_the_oracle(said: list[Said], batches: list[int]) -> None:
    """The stored path and the features of the last closed day are the oracle's."""
    expected = answer(said, POLICIES, END)
    with Scoring(POLICIES) as scoring:
        scoring.process(records(closing(said)), batches)
        features = scoring.features(END)
        assert {name: features[name] for name in expected} == {name: one.features for name, one in expected.items()}
        assert scoring.paths() == {name: one.paths for name, one in expected.items()}
        assert scoring.digest().paths_differing == 0
