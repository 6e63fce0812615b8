"""A replay from end to end: a server, the reference data, everything else, the wait, and the reconciliation."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from tierflow_embedded.access import Tokens
from tierflow_embedded.process import ServerProcess
from tierflow_embedded.replay.berka import CURRENCY, Selection, Sent
from tierflow_embedded.replay.berka_files import BerkaFiles
from tierflow_embedded.replay.berka_stream import reference, stream
from tierflow_embedded.replay.books import Books
from tierflow_embedded.replay.cloudevents import is_reference, read_events
from tierflow_embedded.replay.feed import Counts, Feed, Outgoing
from tierflow_embedded.replay.reconcile import Reconciliation, reconcile
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.client import ApiClient, Endpoints

POLICY: Final = "berka"
_NO_PROGRESS_LIMIT_S: Final = 60.0


class Line(Protocol):
    """One line of progress on the terminal."""

    def advance(self, by: int) -> None: ...

    def show(self, completed: int) -> None: ...

    def finish(self) -> None: ...


class Lines(Protocol):
    """Where progress is shown."""

    def counter(self, description: str, total: int | None = None) -> Line: ...


@dataclass(frozen=True, slots=True)
class BerkaReplay:
    """What to send, how, and whereto. Without `url` a server is started for the replay."""

    directory: Path
    selection: Selection = field(default_factory=Selection)
    shuffle: int | None = None
    batch: int = 500
    url: str | None = None
    token: str = ""
    data_dir: Path | None = None
    patience_s: float = 30.0


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file of events."""

    counts: Counts
    seconds: float

    @property
    def agrees(self) -> bool:
        return self.counts.read == self.counts.accepted


@contextmanager
def berka_server(wanted: BerkaReplay) -> Iterator[ApiClient]:
    """A client for the running server that was named, or for one that lives as long as the block."""
    with ExitStack() as stack:
        data_dir, url = wanted.data_dir or ServiceSettings().data_dir, wanted.url
        if url is None:
            data_dir = wanted.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tierflow-")))
            arguments = ("--policy", POLICY, "--currency", CURRENCY)
            url = stack.enter_context(ServerProcess(data_dir, *arguments)).url
        token = wanted.token or Tokens(data_dir).tool
        yield stack.enter_context(ApiClient(Endpoints.parse(url), token, patience_s=wanted.patience_s))


def replay_berka(wanted: BerkaReplay, lines: Lines) -> Reconciliation:
    """Sends the data set and reconciles it.

    Raises:
        DataError: the files are not what they should be.
        ApiError, UnreachableError: the server refuses or stays away.
        NotFinishedError: the services do not catch up.
    """
    files = BerkaFiles(wanted.directory)
    with berka_server(wanted) as client:
        return send_berka(client, files, wanted, lines)


def send_berka(client: ApiClient, files: BerkaFiles, wanted: BerkaReplay, lines: Lines) -> Reconciliation:
    """Sends everything to a server that is there, waits, and reconciles."""
    started, books = time.monotonic(), Books()
    sending = lines.counter("events sent")
    feed = Feed(client, batch_events=wanted.batch, on_sent=sending.advance)
    feed.send_all(_outgoing(reference(files), books))
    wait_for_services(client, limit_s=_NO_PROGRESS_LIMIT_S)
    feed.send_all(_outgoing(stream(files, wanted.selection, wanted.shuffle), books))
    sending.finish()
    waiting = lines.counter("messages the services have not read yet")
    wait_for_services(client, limit_s=_NO_PROGRESS_LIMIT_S, on_behind=waiting.show)
    waiting.finish()
    seconds = time.monotonic() - started
    return reconcile(client, feed.counts, books, seconds)


def _outgoing(events: Iterable[Sent], books: Books) -> Iterator[Outgoing]:
    for sent in events:
        books.add(sent.envelope)
        yield Outgoing(sent.table, sent.envelope.json())


def replay_file(client: ApiClient, path: Path, batch: int, lines: Lines, *, patience_s: float) -> FileOutcome:
    """Sends a file of events; reference data at its head is waited for before the rest follows."""
    started, sending = time.monotonic(), lines.counter("events sent")
    feed = Feed(client, batch_events=batch, on_sent=sending.advance)
    in_head = True
    for event in read_events(path):
        if in_head and not is_reference(event):
            in_head = False
            feed.flush()
            wait_for_services(client, limit_s=_NO_PROGRESS_LIMIT_S + patience_s)
        feed.send(event)
    feed.flush()
    sending.finish()
    wait_for_services(client, limit_s=_NO_PROGRESS_LIMIT_S + patience_s)
    return FileOutcome(feed.counts, time.monotonic() - started)
