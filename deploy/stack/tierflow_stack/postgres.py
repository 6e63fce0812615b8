"""A real PostgreSQL: one that runs already (`DATABASE_URL`), or a cluster of our own from Debian's programs."""

import json
import os
import pwd
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from tierflow_stack.free_ports import free_port
from tierflow_stack.processes import children, send, watched

ENVIRONMENT: Final = "DATABASE_URL"
_PROGRAMS: Final = "/usr/lib/postgresql"
_OWNER: Final = "tierflow"
_ADDRESS: Final = frozenset({"host", "port", "user", "password", "dbname"})
_START_S: Final = 60.0
_STOP_S: Final = 60.0
_SOCKET_PATH_LIMIT: Final = 90  # a socket's path has 107 bytes, and PostgreSQL adds its own name to the folder's
_C_DATABASE: Final = "CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"

DURABLE: Final[Mapping[str, str]] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FORGETFUL: Final[Mapping[str, str]] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Loses data when the machine (not the process) dies: for tests that crash processes only."""


class PostgresError(RuntimeError):
    """PostgreSQL cannot be started, or did not answer in time; the message says what to do."""


class Server(Protocol):
    """Where databases can be made: our own cluster or one that runs already."""

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database (`postgresql+psycopg://…`)."""

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Makes an empty database (or a copy of `template`) that orders text by code points; returns its URL.

        Raises:
            psycopg.errors.DuplicateDatabase: there is one of this name.
        """

    def drop_database(self, name: str) -> None:
        """Removes a database if it is there, and ends what is connected to it."""


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int
    user: str
    password: str
    options: Mapping[str, str] = field(default_factory=dict)

    def connect(self, database: str = "postgres", timeout_s: float = 10.0) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password or None,
            dbname=database,
            autocommit=True,
            **{"connect_timeout": str(max(2, int(timeout_s))), **self.options},  # type: ignore[arg-type]
        )

    def url(self, database: str) -> str:
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        query = f"?{urlencode(self.options, quote_via=quote)}" if self.options else ""
        return f"postgresql+psycopg://{quote(self.user, safe='')}{secret}@{self.host}:{self.port}/{database}{query}"

    def answers(self) -> bool:
        """True when the server takes a connection."""
        try:
            self.connect(timeout_s=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self, name: str, template: str) -> str:
        with closing(self.connect()) as connection:
            connection.execute(sql.SQL(_C_DATABASE).format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        with closing(self.connect()) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class RunningServer:
    """A server that somebody else runs, named by its URL. It is never started or stopped from here."""

    def __init__(self, url: str) -> None:
        parts = psycopg.conninfo.conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
        self._maintenance = str(parts.get("dbname") or "postgres")
        self._address = _Address(
            str(parts.get("host") or "127.0.0.1"),
            int(str(parts.get("port") or 5432)),
            str(parts.get("user") or "postgres"),
            str(parts.get("password") or ""),
            {name: str(value) for name, value in parts.items() if name not in _ADDRESS},
        )

    @property
    def where(self) -> str:
        """`host:port`, for people."""
        return f"{self._address.host}:{self._address.port}"

    def answers(self) -> bool:
        """True when the server takes a connection."""
        return self._address.answers()

    def url(self, database: str) -> str:
        return self._address.url(database)

    def create_database(self, name: str, *, template: str = "template0") -> str:
        return self._address.create(name, template)

    def drop_database(self, name: str) -> None:
        self._address.drop(name)


class Cluster:
    """A PostgreSQL cluster in a folder, kept or temporary. Every call blocks until what it says has happened.

    As root the server runs as the user `postgres` (it refuses root), who then owns the data folder. The port, the
    owner's password and the data survive in the folder, so another process can open the same cluster and stop it.
    `settings` are server parameters; the default loses nothing that was committed (`DURABLE`).
    """

    def __init__(self, folder: Path, *, port: int | None = None, settings: Mapping[str, str] = DURABLE) -> None:
        self.folder = folder.resolve()
        self.log_file = self.folder / "postgres.log"
        self._data = self.folder / "data"
        self._programs = find_programs()
        self._settings = {**_DEFAULTS, **settings}
        self._user = _server_user()
        self._address = self._open_folder(port)

    def _open_folder(self, port: int | None) -> _Address:
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self.folder / "cluster.json"
        if known.is_file():
            saved = json.loads(known.read_text(encoding="utf-8"))
        else:
            saved = {"port": port or free_port(), "password": secrets.token_urlsafe(18)}
        if port is not None:
            saved["port"] = port
        known.touch(mode=0o600)
        known.write_text(json.dumps(saved), encoding="utf-8")
        return _Address("127.0.0.1", saved["port"], _OWNER, saved["password"])

    @property
    def port(self) -> int:
        return self._address.port

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        try:
            pid = int((self._data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
            is_server = str(self._data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if is_server else None

    @property
    def where(self) -> str:
        """`host:port`, for people."""
        return f"{self._address.host}:{self._address.port}"

    def answers(self) -> bool:
        """True when the server takes a connection."""
        return self._address.answers()

    def url(self, database: str) -> str:
        return self._address.url(database)

    def create_database(self, name: str, *, template: str = "template0") -> str:
        return self._address.create(name, template)

    def drop_database(self, name: str) -> None:
        self._address.drop(name)

    def start(self, timeout_s: float = _START_S) -> None:
        """Makes the cluster if the folder is empty, starts the server and returns when it takes connections.

        Raises:
            PostgresError: it ended or did not answer in time; the message ends with its log.
        """
        if self.pid is not None:
            return
        self._initialise()
        self._remove_stale_locks()
        words = ["-p", str(self.port), "-k", str(self._socket_folder()), "-h", "127.0.0.1"]
        words += [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with self.log_file.open("ab") as log:
            started = subprocess.run(
                [
                    self._programs / "pg_ctl", "start", "-w", "-t", str(int(timeout_s)), "-s", "-D", self._data,
                    "-o", shlex.join(words),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, cwd="/", **self._as_user(),
            )  # fmt: skip
        if started.returncode:
            raise PostgresError(f"PostgreSQL did not start within {timeout_s:g} s:\n{self._log_end()}")

    def stop(self, timeout_s: float = _STOP_S) -> None:
        """Fast shutdown: ends the sessions, writes a checkpoint."""
        self._end(signal.SIGINT, timeout_s)

    def crash(self, timeout_s: float = _STOP_S) -> None:
        """Immediate shutdown: as after a crash, the next start recovers from the write-ahead log."""
        self._end(signal.SIGQUIT, timeout_s)

    def kill(self, timeout_s: float = _STOP_S) -> None:
        """kill -9 for the server and every process of it."""
        self._end(signal.SIGKILL, timeout_s)

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        pid = self.pid
        if pid is None:
            return
        family = [pid, *children(pid)]
        with watched(*family) as ended:
            for one in family if how == signal.SIGKILL else [pid]:
                send(one, how)
            if not ended(timeout_s):
                raise PostgresError(f"PostgreSQL (process {pid}) did not end within {timeout_s:g} s")

    def destroy(self) -> None:
        """Kills the server and removes the folder with everything in it."""
        self.kill()
        shutil.rmtree(self._socket_folder(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        if (self._data / "PG_VERSION").is_file():
            return
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._socket_folder().mkdir(mode=0o755, parents=True, exist_ok=True)
        if self._user is not None:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
            os.chown(self._socket_folder(), self._user.pw_uid, self._user.pw_gid)
            if subprocess.run(["/usr/bin/test", "-w", self._data], check=False, **self._as_user()).returncode:
                raise PostgresError(f"the user {self._user.pw_name} cannot reach {self._data}: open its parent folders")
        secret = self._socket_folder() / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._address.password + "\n", encoding="ascii")
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        made = subprocess.run(
            [
                self._programs / "initdb", "-D", self._data, "-U", _OWNER, "-E", "UTF8", "--locale=C", "--no-sync",
                "-A", "scram-sha-256", f"--pwfile={secret}", "--no-instructions",
            ],
            capture_output=True, text=True, check=False, cwd="/", **self._as_user(),
        )  # fmt: skip
        secret.unlink()
        if made.returncode:
            raise PostgresError(f"initdb failed: {made.stderr.strip()}")

    def _remove_stale_locks(self) -> None:
        """A killed server leaves them; where nobody reaps its process, PostgreSQL would take them for held."""
        name = f".s.PGSQL.{self.port}"
        for lock in (
            self._data / "postmaster.pid",
            self._socket_folder() / name,
            self._socket_folder() / f"{name}.lock",
        ):
            lock.unlink(missing_ok=True)

    def _socket_folder(self) -> Path:
        """Beside the data, unless that path is too long for a socket."""
        beside = self.folder / "socket"
        if len(str(beside)) <= _SOCKET_PATH_LIMIT:
            return beside
        return Path(tempfile.gettempdir()) / f"tierflow-postgres-{self.port}"

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _log_end(self) -> str:
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace")[-2_000:]
        except FileNotFoundError:
            return ""


_DEFAULTS: Final[Mapping[str, str]] = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "log_line_prefix": "%m [%p] %d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def find_programs() -> Path:
    """The folder of the newest PostgreSQL's programs.

    Raises:
        PostgresError: there is none.
    """
    found = [path.parent for path in Path(_PROGRAMS).glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: [int(number) for number in path.parent.name.split(".")])
    anywhere = shutil.which("initdb")
    if anywhere:
        return Path(anywhere).resolve().parent
    raise PostgresError(
        f"PostgreSQL's programs are missing: install them (Debian: apt-get install postgresql), or name a server that "
        f"runs already in {ENVIRONMENT}=postgresql://user:password@host:5432/postgres"
    )


def _server_user() -> pwd.struct_passwd | None:
    """Who runs the server: None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresError("as root, PostgreSQL needs a user to run as: useradd --system postgres") from None


@contextmanager
def temporary_cluster(settings: Mapping[str, str] = DURABLE) -> Iterator[Cluster]:
    """A started cluster in a new folder that disappears with it."""
    folder = Path(tempfile.mkdtemp(prefix="tierflow-postgres-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, settings=settings)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.destroy()


@contextmanager
def server(settings: Mapping[str, str] = DURABLE) -> Iterator[Server]:
    """The server of `DATABASE_URL` if that is set, else a temporary cluster."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        yield RunningServer(given)
        return
    with temporary_cluster(settings) as cluster:
        yield cluster


@contextmanager
def database(on: Server, prefix: str = "tierflow", *, template: str = "template0") -> Iterator[str]:
    """The URL of a new database with a name of its own, dropped at the end."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    yield_url = on.create_database(name, template=template)
    try:
        yield yield_url
    finally:
        on.drop_database(name)
