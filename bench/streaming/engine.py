"""What the harness asks of an engine, be it a peer or ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from bench.streaming.workload import Standing, Workload

Position = tuple[int, ...]
"""How far an engine's durable effect reaches; a commit changes it. Only the engine knows what its numbers mean."""


@dataclass(frozen=True, slots=True)
class Job:
    """One engine's turn: read `topic` from its beginning, keep the sums, say every change, exactly once.

    `name` is new for every turn: consumer group, transactional ids, `output` and other topics begin with it or hold it.
    `folder` is an empty scratch folder of this turn. `portion` is how many events our own scoring committed at once in
    this run, 0 when it has not run; the bare limit writes as many.
    """

    name: str
    bootstrap: str
    topic: str
    output: str
    partitions: int
    workload: Workload
    folder: Path
    portion: int = 0


class EngineError(Exception):
    """An engine ended, stood still or gave a wrong result."""


class Outcome(NamedTuple):
    """What an engine wrote: the final standing of every customer, and how many input events a position covers."""

    standings: Mapping[str, Standing]
    events_at: Callable[[Position], int]


class Run(Protocol):
    """An engine at work."""

    @property
    def processes(self) -> Mapping[str, Sequence[int]]:
        """Process ids by role ("engine", "postgres" …); each counts with its children."""

    @property
    def taken(self) -> int:
        """Events that the engine says it has looked at, committed or not. Never part of the figure."""

    async def position(self) -> Position:
        """Where the effects that are durable and visible to readers end now. Asked 50 times a second, so cheap.

        Raises:
            EngineError: the engine has ended.
        """

    @property
    def at_the_end(self) -> bool:
        """True when the last position seems to cover every event; `Outcome.events_at` decides afterwards."""

    async def stop(self) -> None:
        """Ends every process that `start` began; safe to repeat."""


class Engine(Protocol):
    """One way to do the job."""

    @property
    def name(self) -> str:
        """Letters, digits and dashes; the result is kept as `var/bench/stream-<name>.json`."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Versions and settings that shape the figure, for the result."""

    def prepare(self) -> None:
        """Builds or installs what the engine needs, outside all measuring."""

    async def start(self, job: Job) -> Run:
        """Starts the engine and returns at once."""

    async def result(self, job: Job) -> Outcome:
        """What readers find after `stop` where the engine wrote it.

        Raises:
            EngineError: what was written contradicts itself (a lost or a doubled step).
        """
