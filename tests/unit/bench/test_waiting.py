"""A bench waits for the product, and says so when that is in vain."""

import pytest
from bench import waiting


def test_a_wait_in_vain_ends_and_names_who_was_late() -> None:
    with pytest.raises(TimeoutError, match=r"not at the end of the log after 0\.05 s: scoring, suitability"):
        waiting.until(lambda: ["scoring", "suitability"], 0.05, look_s=0.01)


def test_a_wait_ends_with_the_last_one() -> None:
    """The control: nobody is named any more before the limit is over."""
    late = [["scoring"], ["scoring"], []]
    assert waiting.until(lambda: late.pop(0), 5.0, look_s=0.001) < 5.0
    assert not late
