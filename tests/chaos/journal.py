"""What was acknowledged, written down before it counts: an append-only file, one JSON line for each answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.chaos.story import Said

EVENTS: Final = "events"  # events the log took, over HTTP
SALE: Final = "sale"  # a sale requested over HTTP, with the answer's state
CONFIRMED: Final = "confirmed"  # a sale confirmed over HTTP
DATE: Final = "date"  # a business date that was advanced
POISON: Final = "poison"  # a message written straight to the bus
_encode: Final = msgspec.json.Encoder().encode


class Journal:
    """The campaign's own memory. `acknowledged` counts events, sales and confirmations, never a repetition."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self.path = path
        self.acknowledged = 0

    def events(self, producer: int, said: Sequence[Said]) -> None:
        """Events acknowledged for the first time, in their producer's order."""
        self._write({"kind": EVENTS, "producer": producer, "events": [list(one[:4]) for one in said]}, said)
        self.acknowledged += len(said)

    def _write(self, line: dict[str, object], said: Sequence[Said]) -> None:
        body = b",".join(one.data for one in said)
        self._file.write(_encode(line)[:-1] + b',"data":[' + body + b"]}\n")
        self._file.flush()

    def note(self, kind: str, **fields: object) -> None:
        """Anything else that was acknowledged."""
        self._file.write(_encode({"kind": kind, **fields}) + b"\n")
        self._file.flush()
        self.acknowledged += kind in (SALE, CONFIRMED)

    def close(self) -> None:
        self._file.close()


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The journal, line by line, as plain dictionaries."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)
