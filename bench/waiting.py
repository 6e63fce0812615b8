"""Waiting for the product, within a limit."""

import time
from collections.abc import Callable, Sequence


def until(behind: Callable[[], Sequence[str]], limit_s: float, *, look_s: float = 0.2) -> float:
    """Returns when `behind` names nobody any more; says how many seconds that took.

    Raises:
        TimeoutError: after `limit_s` seconds there was still somebody; the message names who.
    """
    started = time.monotonic()
    while late := behind():
        if time.monotonic() - started > limit_s:
            raise TimeoutError(f"not at the end of the log after {limit_s:g} s: {', '.join(late)}")
        time.sleep(look_s)
    return time.monotonic() - started
