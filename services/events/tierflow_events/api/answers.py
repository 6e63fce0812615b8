"""What a sender hears: 202 when everything lies on the log, else a problem that says what was accepted."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from tierflow_events.domain.arrivals import Arrival, Unreadable
from tierflow_events.domain.faults import Fault
from tierflow_events.domain.placing import Placement
from tierflow_shared.web.problems import FieldError, Problem

_encode: Final = msgspec.json.Encoder().encode
_CONFLICT: Final = Fault("id", "same-content", "this source and id came before with other content")


class ErrorLine(msgspec.Struct, frozen=True, gc=False):
    """A field that breaks a rule."""

    field: str
    rule: str
    message: str


class ResultLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of one event. A duplicate's position is that of the event that came first."""

    index: int
    id: str
    status: str
    topic: str = ""
    partition: int = -1
    offset: int = -1
    errors: tuple[ErrorLine, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """Every event lies on the log: `accepted` new ones, `duplicates` that had come before."""

    accepted: int
    duplicates: int
    results: list[ResultLine]


def answer(read: Sequence[Arrival], placed: Sequence[Placement], *, is_batch: bool) -> Response:
    """202 with a line for each event.

    Raises:
        Problem: 409 if each event that was refused came before with other content, 422 otherwise. It carries
            `accepted`, `duplicates` and `results`: what they call accepted stays accepted.
    """
    lines = _lines(read, placed)
    accepted = sum(line.status == "accepted" for line in lines)
    duplicates = sum(line.status == "duplicate" for line in lines)
    if accepted + duplicates == len(lines):
        return Response(_encode(Accepted(accepted, duplicates, lines)), 202, media_type="application/json")
    raise _refusal(lines, accepted, duplicates, is_batch=is_batch)


def _lines(read: Sequence[Arrival], placed: Sequence[Placement]) -> list[ResultLine]:
    placements = iter(placed)
    lines: list[ResultLine] = []
    for index, one in enumerate(read):
        if isinstance(one, Unreadable):
            lines.append(ResultLine(index, one.id, "refused", errors=(ErrorLine(*one.fault),)))
            continue
        status, (topic, partition, offset) = next(placements)
        if status == "conflict":
            lines.append(ResultLine(index, one.id, "refused", errors=(ErrorLine(*_CONFLICT),)))
        else:
            lines.append(ResultLine(index, one.id, status, topic, partition, offset))
    return lines


def _refusal(lines: Sequence[ResultLine], accepted: int, duplicates: int, *, is_batch: bool) -> Problem:
    refused = [line for line in lines if line.status == "refused"]
    all_conflicts = all(error.rule == _CONFLICT.rule for line in refused for error in line.errors)
    errors: list[FieldError] = [
        {
            "field": f"{line.index}.{error.field}" if is_batch else error.field,
            "rule": error.rule,
            "message": error.message,
        }
        for line in refused
        for error in line.errors
    ]
    extra = {"accepted": accepted, "duplicates": duplicates, "refused": len(refused), "results": lines}
    detail = f"{len(refused)} of {len(lines)} events refused; {accepted + duplicates} lie on the log and stay there"
    status, code = (409, "event-conflict") if all_conflicts else (422, "event-refused")
    title = "Event contradicts an earlier one" if all_conflicts else "Event refused"
    return Problem(status, code, title, detail, errors=errors[:100], extra=extra)
