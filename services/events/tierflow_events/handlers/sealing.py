"""Seals what arrives about persons, before anything of it is stored anywhere."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from tierflow_events.domain.arrivals import Arrival, Raw, Unreadable, Unsealed
from tierflow_events.domain.faults import Fault
from tierflow_events.domain.placing import Candidate
from tierflow_events.ports import EventVault
from tierflow_shared.contracts.personal import personal_texts
from tierflow_shared.contracts.primitives import Data
from tierflow_shared.ids import content_hash
from tierflow_shared.privacy.vault import ToSeal

_encode: Final = msgspec.json.Encoder().encode


class Sealing:
    """Events without personal fields pass untouched; the others are sealed together, with one look for their keys."""

    def __init__(self, vault: EventVault) -> None:
        self._vault = vault

    async def sealed(self, arrivals: Sequence[Raw]) -> list[Arrival]:
        """The arrivals in the same order, ready for the log.

        Raises:
            DependencyError: the keys cannot be had now; nothing was taken.
        """
        read: list[Arrival] = [one for one in arrivals if not isinstance(one, Unsealed)]
        if len(read) == len(arrivals):
            return read
        return await asyncio.to_thread(self._sealed, arrivals)

    def _sealed(self, arrivals: Sequence[Raw]) -> list[Arrival]:
        events = [ToSeal(one.data, one.candidate.id_hash) for one in arrivals if isinstance(one, Unsealed)]
        sealed = iter(self._vault.seal_events(events))
        return [_arrival(one, next(sealed)) if isinstance(one, Unsealed) else one for one in arrivals]


def _arrival(one: Unsealed, data: Data | None) -> Candidate | Unreadable:
    if data is None:
        path = next(iter(personal_texts(one.data)))
        return Unreadable(one.candidate.id, Fault(f"data.{path}", "erased", "this person was erased; leave it out"))
    value = _encode(data)
    return one.candidate._replace(value=value, content_hash=content_hash(one.candidate.type, value))
