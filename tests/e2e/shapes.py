"""Tierflow in its shapes, started as a person would: one process, four on one log file, or four on Kafka."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tierflow_embedded.access import Tokens
from tierflow_embedded.process import ServerProcess
from tierflow_shared.web.client import SERVICES, ApiClient, Endpoints

ONE: Final = "one process"
FOUR: Final = "four processes"
KAFKA: Final = "four processes on Kafka"
READY_WITHIN_S: Final = 45.0


@contextmanager
def running(
    shape: str, data_dir: Path, currency: str, environment: Mapping[str, str] | None = None
) -> Iterator[ApiClient]:
    """A client of a fresh Tierflow; everything ends with the block. `environment` names the broker, for `KAFKA`."""
    with ExitStack() as stack:
        if shape == ONE:
            server = ServerProcess(data_dir, "--currency", currency)
            stack.callback(server.stop)
            endpoints = Endpoints.parse(server.start(ready_within_s=READY_WITHIN_S).url)
        else:
            endpoints = _four(stack, data_dir, currency, environment or {})
        yield stack.enter_context(ApiClient(endpoints, Tokens(data_dir).tool, patience_s=20))


def _four(stack: ExitStack, data_dir: Path, currency: str, environment: Mapping[str, str]) -> Endpoints:
    processes = {
        service: ServerProcess(
            data_dir, "--service", service, "--currency", currency,
            environment=environment, log_file=f"{service}.log",
        )
        for service in SERVICES
    }  # fmt: skip
    for process in processes.values():
        stack.callback(process.stop)
        process.spawn()
    for process in processes.values():
        process.wait(ready_within_s=READY_WITHIN_S)
    return Endpoints.parse(",".join(f"{service}={process.url}" for service, process in processes.items()))
