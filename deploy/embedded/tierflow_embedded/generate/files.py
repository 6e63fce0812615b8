"""Writes a generated bank to a file or to standard output, one JSON object a line."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from tierflow_embedded.envelope import Envelope
from tierflow_embedded.generate.plan import BankPlan
from tierflow_embedded.generate.questionnaire import QUESTIONNAIRE, VERSION, Answered
from tierflow_embedded.generate.stream import bank_stream

STANDARD_OUTPUT = "-"


def write_bank(
    plan: BankPlan, out: str, answers: Path | None = None, on_written: Callable[[int], None] = lambda _: None
) -> int:
    """Streams the events to `out` ("-": standard output) and the questionnaire answers beside; returns the events."""
    written = 0
    with ExitStack() as stack:
        events = sys.stdout.buffer if out == STANDARD_OUTPUT else stack.enter_context(_new(Path(out)))
        answered = stack.enter_context(_new(answers)) if answers else None
        for item in bank_stream(plan):
            if isinstance(item, Envelope):
                events.write(item.json() + b"\n")
                written += 1
                if written % 1_000 == 0:
                    on_written(1_000)
            elif answered is not None:
                answered.write(_answer_line(item))
        events.flush()
    return written


def _new(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def _answer_line(item: Answered) -> bytes:
    line = {
        "customer_id": item.customer_id,
        "answered_at": item.moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "questionnaire": QUESTIONNAIRE,
        "version": VERSION,
        "answers": item.answers,
    }
    return msgspec.json.encode(line) + b"\n"
