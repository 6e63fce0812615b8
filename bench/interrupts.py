"""Long benches end in good order however they are told to: what they started is stopped."""

import signal


def end_as_by_ctrl_c() -> None:
    """From now on SIGTERM does what ^C does, also where a shell started us in the background with ^C ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
