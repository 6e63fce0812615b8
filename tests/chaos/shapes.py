"""The two shapes the campaign runs against: what stands below the four services, and how to look at it."""

import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from tests.chaos.poison import TOPIC, Poison
from tests.chaos.reading import EmbeddedSource, Source
from tests.chaos.stack import SERVICES
from tierflow_shared.bus.port import Message
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import SystemClock

LEASE_S: Final = 4.0
_BALLAST: Final = "ballast"
Write = Callable[[Sequence[Poison]], Awaitable[None]]


class Shape(Protocol):
    """What stands below the services."""

    name: str
    errors: tuple[type[Exception], ...]
    left_out: dict[str, str]

    @property
    def source(self) -> Source:
        """What the checker reads."""

    def start(self) -> None:
        """Starts what the services need."""

    def stop(self) -> None:
        """Stops it and gives its room back."""

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        """The environment of each service."""

    def writer(self) -> "PoisonWriter":
        """A way straight onto the bus. Made inside the event loop that uses it."""

    def fill_disk(self) -> Callable[[], None]:
        """Takes the room that is left; the answer gives it back."""

    def inject(self, kind: str, target: str) -> Callable[[], None]:
        """Begins a fault of this shape's own; the answer ends it."""


class PoisonWriter(Protocol):
    """Writes past the ingest."""

    async def write(self, poisons: Sequence[Poison]) -> None: ...

    async def close(self) -> None: ...


class SqlitePoisonWriter:
    """Onto the SQLite log, as a careless program of the bank would."""

    def __init__(self, path: Path) -> None:
        self._bus = SqliteBus(path, clock=SystemClock())

    async def write(self, poisons: Sequence[Poison]) -> None:
        await self._bus.publish([Message(TOPIC, one.key, one.value, one.headers) for one in poisons])

    async def close(self) -> None:
        await self._bus.close(5.0)


class SmallDisk:
    """A file system of limited size, so that it can be filled without hurting the machine. Needs root."""

    def __init__(self, folder: Path, image: Path, megabytes: int) -> None:
        self.folder, self._image, self._megabytes = folder, image, megabytes
        self.mounted = False

    def mount(self) -> str | None:
        """None when it is there, else the reason why not; then the folder is an ordinary one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return "a small file system of its own needs root"
        self._image.parent.mkdir(parents=True, exist_ok=True)
        with self._image.open("wb") as image:
            image.truncate(self._megabytes * 1024 * 1024)
        for command in (
            ["mkfs.ext4", "-q", "-F", "-m", "0", str(self._image)],
            ["mount", "-o", "loop", str(self._image), str(self.folder)],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except FileNotFoundError:
                return f"{command[0]} is missing"
            if done.returncode:
                return f"{command[0]}: {done.stderr.strip()[:100]}"
        self.mounted = True
        return None

    def fill(self) -> Callable[[], None]:
        """Takes all room that is left."""
        ballast = self.folder / _BALLAST
        with ballast.open("wb") as file:
            for size in (64 << 20, 4 << 20, 64 << 10, 4096):
                while _grow(file.fileno(), size):
                    pass
        return ballast.unlink

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=False, capture_output=True)
            self.mounted = False
            self._image.unlink(missing_ok=True)


def _grow(handle: int, size: int) -> bool:
    try:
        os.posix_fallocate(handle, os.fstat(handle).st_size, size)
    except OSError:
        return False
    return True


class EmbeddedShape:
    """Four processes on one SQLite log and SQLite databases."""

    name = "embedded"
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, folder: Path, *, disk_megabytes: int) -> None:
        self._folder = folder
        self._disk = SmallDisk(folder / "data", folder / "disk.img", disk_megabytes)
        self.left_out: dict[str, str] = {}
        self.source: Source = EmbeddedSource(folder / "data")

    def start(self) -> None:
        reason = self._disk.mount()
        if reason:
            self.left_out["disk-full"] = reason

    def stop(self) -> None:
        self._disk.unmount()
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        return {name: {"CHAOS_LEASE_S": str(LEASE_S)} for name in SERVICES}

    def writer(self) -> PoisonWriter:
        return SqlitePoisonWriter(self._folder / "data" / "log.db")

    def fill_disk(self) -> Callable[[], None]:
        return self._disk.fill()

    def inject(self, kind: str, target: str) -> Callable[[], None]:
        raise ValueError(f"the embedded shape has no {kind} of {target}")
