"""What is recorded for the bare limit, and how it lies in files."""

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Bulk(NamedTuple):
    """Rows for one table: the statement's head and tail as scoring gave them, and COPY data in binary format."""

    head: str
    tail: str
    data: bytes


class Single(NamedTuple):
    """Any other statement with its parameters, one set for each execution."""

    text: str
    parameters: Sequence[Any]


class Portion(NamedTuple):
    """One transaction of scoring: what it wrote in order, and the offset of each partition behind it."""

    writes: Sequence[Bulk | Single]
    offsets: Sequence[int]


def portions(folder: Path) -> Iterator[Portion]:
    """What `record` left, in order."""
    for path in sorted(folder.glob("*.portion")):
        yield pickle.loads(path.read_bytes())


def packed(portion: Portion) -> bytes:
    """The content of one file."""
    return pickle.dumps(portion)
