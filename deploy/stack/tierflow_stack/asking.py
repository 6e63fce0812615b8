"""What a service says of itself over HTTP: whether it is well, and how far it lies behind."""

import http.client
import json
from typing import Final

_TIMEOUT_S: Final = 5.0
_LAG: Final = "tierflow_stream_lag_records{"


def problem_of(port: int) -> str | None:
    """Why the service on this port is not live or not ready, in words; None when it is both."""
    for path in ("/livez", "/readyz"):
        try:
            status, body = _get(port, path)
        except (OSError, http.client.HTTPException) as error:
            return f"does not answer ({type(error).__name__})"
        if status != http.client.OK:
            return _detail(body) or f"{path} answers {status}"
    return None


def lag_of(port: int) -> int | None:
    """Messages that the service has not read yet, as it measured last; None when it does not say."""
    try:
        status, body = _get(port, "/metrics")
    except (OSError, http.client.HTTPException):
        return None
    values = [float(line.rpartition(" ")[2]) for line in body.decode().splitlines() if line.startswith(_LAG)]
    return int(sum(values)) if status == http.client.OK and values else None


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body).get("detail", ""))
    except (ValueError, AttributeError):
        return ""
