"""A way from this machine to a Service that mends itself: `kubectl port-forward`, started again when it ends."""

import subprocess
import threading
from types import TracebackType
from typing import Final, Self

from tests.k8s_e2e.kubectl import ClusterError, Kubectl
from tierflow_stack.free_ports import free_port

_FIRST_LIMIT_S: Final = 30.0
_PAUSE_S: Final = 0.5


class Forward:
    """`with Forward(kubectl, "service/gateway", 80) as way: use(way.url)`."""

    def __init__(self, kubectl: Kubectl, target: str, port: int) -> None:
        self._kubectl, self._target, self._port = kubectl, target, port
        self._local = free_port()
        self._up, self._ended = threading.Event(), threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep_up, name="port-forward", daemon=True)
        self.times_started = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._local}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(_FIRST_LIMIT_S):
            self._stop()
            raise ClusterError(f"no port-forward to {self._target} within {_FIRST_LIMIT_S:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._ended.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join(timeout=10)

    def _keep_up(self) -> None:
        command = [self._kubectl.program, "--namespace", self._kubectl.namespace, "port-forward"]
        while not self._ended.is_set():
            with subprocess.Popen(
                [*command, self._target, f"{self._local}:{self._port}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            ) as process:  # fmt: skip
                self._process = process
                if self._ended.is_set():
                    process.terminate()
                self.times_started += 1
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("Forwarding from"):
                        self._up.set()
            self._ended.wait(_PAUSE_S)
