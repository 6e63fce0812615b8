"""What a stack is made of: read from the environment, remembered in its folder, turned into the services' settings."""

import hashlib
import json
import os
import re
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tierflow_stack.free_ports import free_port, is_free
from tierflow_stack.kafka_files import StackError

SERVICES: Final[Mapping[str, int]] = {"events": 8001, "scoring": 8002, "contact-planner": 8003, "suitability": 8004}
ISSUER: Final = "urn:tierflow:stack"
KEK_FILE: Final = "kek.key"
KAFKA_PORT: Final = 9092
POSTGRES_PORT: Final = 5432
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What the environment says; None: as remembered, else the default."""

    folder: Path
    ports: tuple[int, ...] = ()
    kafka_port: int | None = None
    postgres_port: int | None = None
    policy: str | None = None
    currency: str | None = None
    prefix: str = ""
    kafka_bootstrap: str | None = None
    database_url: str | None = None

    @staticmethod
    def read(folder: Path, environment: Mapping[str, str]) -> "StackSettings":
        """From `PORTS`, `KAFKA_PORT`, `POSTGRES_PORT`, `POLICY`, `CURRENCY`, `STACK_PREFIX`, `KAFKA_BOOTSTRAP`
        and `DATABASE_URL`.

        Raises:
            StackError: a value is not what it should be.
        """
        prefix = environment.get("STACK_PREFIX", "")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise StackError("STACK_PREFIX is up to 31 small letters, digits and _, a letter first")
        return StackSettings(
            folder=folder.absolute(),
            ports=_ports(environment.get("PORTS", "")),
            kafka_port=_port("KAFKA_PORT", environment),
            postgres_port=_port("POSTGRES_PORT", environment),
            policy=environment.get("POLICY") or None,
            currency=environment.get("CURRENCY") or None,
            prefix=prefix,
            kafka_bootstrap=environment.get("KAFKA_BOOTSTRAP") or None,
            database_url=environment.get("DATABASE_URL") or None,
        )

    def database(self, service: str) -> str:
        """The name of a service's database; `{service}` stays as it is."""
        return f"{self.prefix or 'tierflow'}_{service.replace('-', '_')}"


def _ports(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words and (len(words) != len(SERVICES) or not all(map(_is_port, words)) or len(set(words)) != len(words)):
        raise StackError(f"PORTS names {len(SERVICES)} different ports, for {', '.join(SERVICES)}: PORTS=8001,8002,…")
    return tuple(map(int, words))


def _port(name: str, environment: Mapping[str, str]) -> int | None:
    text = environment.get(name, "")
    if text and not _is_port(text):
        raise StackError(f"{name} is a port between 1 and 65535")
    return int(text) if text else None


def _is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= 65_535


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was chosen at the last start, so that addresses stay and a restart means the same."""

    ports: Mapping[str, int] = field(default_factory=dict)
    policy: str = "standard"
    currency: str = "CNY"

    @staticmethod
    def load(path: Path) -> "Remembered":
        """From the stack's folder; the defaults when there is nothing, or nothing that can be read."""
        try:
            return Remembered(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return Remembered()

    def save(self, path: Path) -> None:
        """Writes the file whole, or not at all."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)


def choose(settings: StackSettings, last: Remembered, ours: Iterable[int]) -> Remembered:
    """Ports, policy and currency of this start. `ours` are ports that our own processes hold.

    Raises:
        StackError: a port that was asked for is taken.
    """
    mine = set(ours)
    ports: dict[str, int] = {}
    for index, (service, usual) in enumerate(SERVICES.items()):
        if settings.ports:
            ports[service] = settings.ports[index]
            if ports[service] not in mine and not is_free(ports[service]):
                raise StackError(f"port {ports[service]}, asked for {service}, is taken by another process")
            continue
        candidates = (last.ports.get(service, usual), usual)
        free = (port for port in candidates if (port in mine or is_free(port)) and port not in ports.values())
        ports[service] = next(free, 0) or free_port()
    return Remembered(ports, settings.policy or last.policy, settings.currency or last.currency)


def usual_port(wanted: int | None, usual: int) -> int:
    """The port a server is born with."""
    return wanted or (usual if is_free(usual) else free_port())


def make_kek(folder: Path) -> None:
    """The key that wraps customers' keys, made at the first start and kept: without it their names cannot be read."""
    path = folder / KEK_FILE
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(b64encode(os.urandom(32)).decode() + "\n", encoding="ascii")
        fresh.replace(path)


def service_settings(settings: StackSettings, chosen: Remembered, bootstrap: str, url: str) -> dict[str, str]:
    """The variables by which the services run in the production shape."""
    issuer = settings.folder / "issuer"
    return {
        "TIERFLOW_ENVIRONMENT": "production",
        "TIERFLOW_KAFKA_BOOTSTRAP": bootstrap,
        **({"TIERFLOW_KAFKA_PREFIX": f"{settings.prefix}."} if settings.prefix else {}),
        "TIERFLOW_DATABASE_URL": url,
        "TIERFLOW_MIGRATE_AT_START": "false",
        "TIERFLOW_ISSUER": ISSUER,
        "TIERFLOW_JWKS": str(issuer / "jwks.json"),
        "TIERFLOW_DATA_DIR": str(settings.folder / "data"),
        "TIERFLOW_KEK_FILE": str(settings.folder / KEK_FILE),
        "TIERFLOW_BASE_CURRENCY": chosen.currency,
    }


def client_settings(settings: StackSettings, chosen: Remembered) -> dict[str, str]:
    """The variables by which `tierflow` finds the services and signs tokens they believe."""
    addresses = ",".join(f"{service}=http://127.0.0.1:{port}" for service, port in chosen.ports.items())
    return {
        "TIERFLOW_URL": addresses,
        "TIERFLOW_ISSUER": ISSUER,
        "TIERFLOW_DATA_DIR": str(settings.folder / "issuer"),
    }


def serve_command(service: str, chosen: Remembered) -> list[str]:
    """How a service is started."""
    words = ["serve", "--service", service, "--port", str(chosen.ports[service]), "--policy", chosen.policy]
    return product_command(*words)


def product_command(*words: str) -> list[str]:
    """`tierflow …` of the same environment as ours."""
    return [sys.executable, "-m", "tierflow_embedded", *words]


def fingerprint(command: Sequence[str], variables: Mapping[str, str]) -> str:
    """Stands for everything a service is started with: another version or setting, another fingerprint."""
    made_of: Any = [version("tierflow"), list(command), sorted(variables.items())]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]
