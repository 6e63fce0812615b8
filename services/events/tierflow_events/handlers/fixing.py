"""Puts a corrected event on the log in place of one that a service could not take, once."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from tierflow_events.domain.arrivals import Unreadable
from tierflow_events.domain.faults import Fault
from tierflow_events.domain.inspection import merged
from tierflow_events.domain.letters import (
    LETTER_HEADER,
    REPLACED_ID_HEADER,
    REPLACED_SOURCE_HEADER,
    TAKEN_BEFORE,
    Letter,
    Replay,
)
from tierflow_events.domain.placing import Candidate
from tierflow_events.handlers.ingest import Ingest
from tierflow_events.handlers.original import NotReplayableError, opened_value, original_of
from tierflow_events.handlers.sealing import Sealing
from tierflow_events.ports import EventReader, EventVault, Letters
from tierflow_shared.bus.port import Bus, Record
from tierflow_shared.cloudevents import time_text
from tierflow_shared.contracts.registry import INBOUND_TYPES
from tierflow_shared.ids import derived_id
from tierflow_shared.stream.events import parse_time

SOURCE: Final = "/tierflow/dead-letters"
# Facts are registers in which the newest wins: a correction wins over the event it replaces and over nothing later.
_JUST_AFTER: Final = timedelta(microseconds=1)


class CorrectionRefusedError(Exception):
    """The corrected data break a rule."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class AlreadyReplayedError(Exception):
    """The message itself was sent again; what became of that comes first."""


class OtherCorrectionError(Exception):
    """The letter was fixed with other data before."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected data: all of them, or a JSON merge patch (RFC 7396) upon what the log has."""

    data: Mapping[str, Any] | None
    changes: Mapping[str, Any] | None


class Fixer:
    """The corrected event has an id that follows from the letter's, so a second one cannot come to be."""

    def __init__(
        self,
        letters: Letters,
        bus: Bus,
        ingest: Ingest,
        open_reader: Callable[[datetime], EventReader],
        vault: EventVault,
    ) -> None:
        self._letters, self._bus, self._ingest, self._open_reader = letters, bus, ingest, open_reader
        self._vault, self._sealing = vault, Sealing(vault)
        self._one_at_a_time = asyncio.Lock()

    async def fix(
        self, letter_id: str, correction: Correction, *, by: str, at: datetime, dry_run: bool
    ) -> Letter | None:
        """The letter with its fix; None if there is no such letter. With `dry_run` the data are only checked.

        Raises:
            NotReplayableError: the message is not on the log, or is none of the bank's.
            CorrectionRefusedError: the data break a rule.
            AlreadyReplayedError, OtherCorrectionError: see there.
            TooBusyError, BusUnavailableError: the log did not take it; repeat.
        """
        async with self._one_at_a_time:
            letter = await self._letters.get(letter_id)
            if letter is None:
                return None
            candidate = await self._candidate(letter, correction, at)
            if dry_run or _is_done(letter, candidate):
                return letter
            if letter.replay is None:
                mark = Replay(by, at, None, "fix", event_id=candidate.id, content=candidate.content_hash)
                if not await self._letters.take_in_hand([letter_id], mark):
                    letter = await self._letters.get(letter_id)
                    assert letter is not None, "letters stay"
                    if _is_done(letter, candidate):
                        return letter
            (placement,) = await self._ingest.take([candidate])
            await self._letters.sent({letter_id: placement.place})
            return await self._letters.get(letter_id)

    async def _candidate(self, letter: Letter, correction: Correction, at: datetime) -> Candidate:
        if letter.event_type not in INBOUND_TYPES:
            raise NotReplayableError("only the bank's own events can be corrected")
        if letter.reason in TAKEN_BEFORE:
            raise NotReplayableError("the first content of this event took effect; let the bank reverse or renew it")
        record = await original_of(letter, self._bus)
        attributes = {
            "specversion": "1.0",
            "id": derived_id("fix", letter.id),
            "source": SOURCE,
            "type": letter.event_type,
            "time": _time_after(record),
            "traceparent": record.header("traceparent"),
        }
        value = await asyncio.to_thread(opened_value, record, self._vault)
        raw = self._open_reader(at).binary(attributes, _corrected(value, correction))
        (arrival,) = await self._sealing.sealed([raw])
        if isinstance(arrival, Unreadable):
            raise CorrectionRefusedError(arrival.fault)
        named = (
            (LETTER_HEADER, letter.id.encode()),
            (REPLACED_ID_HEADER, letter.event_id.encode()),
            (REPLACED_SOURCE_HEADER, letter.event_source.encode()),
        )
        return arrival._replace(headers=(*arrival.headers, *named))


def _is_done(letter: Letter, candidate: Candidate) -> bool:
    """True if this very correction lies on the log.

    Raises:
        AlreadyReplayedError, OtherCorrectionError: something else was done about the letter.
    """
    if letter.replay is None:
        return False
    if letter.replay.kind != "fix":
        raise AlreadyReplayedError
    if letter.replay.content != candidate.content_hash:
        raise OtherCorrectionError
    return letter.is_sent


def _time_after(record: Record) -> str:
    try:
        return time_text(parse_time(record.header("ce_time")) + _JUST_AFTER)
    except (ValueError, OverflowError):
        raise NotReplayableError("the message has no time that can be read") from None


def _corrected(value: bytes, correction: Correction) -> bytes:
    if correction.data is not None:
        return msgspec.json.encode(correction.data)
    try:
        content = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CorrectionRefusedError(
            Fault("changes", "json", "the message is not JSON; give the data as a whole")
        ) from None
    return msgspec.json.encode(merged(content, correction.changes))
