"""Calls to Tierflow's own HTTP surface, for tools and tests: the one module that chooses the HTTP client library.

A caller names paths ("/scoring/v1/…") and never a host: the first segment of the path says which service, and
`Endpoints` says where that service listens, so the same tool works against one process, a gateway or four processes.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx
import msgspec

SERVICES: Final = ("events", "scoring", "contact-planner", "suitability")
_RETRIED: Final = frozenset({429, 502, 503, 504})  # 502 and 504: what a gateway says of a service that is away
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0

Token = str | Callable[[], str]


class EndpointError(ValueError):
    """The text does not name where the services listen."""


class ApiError(Exception):
    """The service answered with a problem (RFC 9457); `body` is all of it. `str()` is one line for a person."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        code, detail, errors = str(body.get("code", "error")), str(body.get("detail", "")), body.get("errors", ())
        fields = "; ".join(f"{error.get('field', '?')}: {error.get('message', '')}" for error in errors[:3])
        super().__init__(f"{status} {code}: {detail}" + (f" ({fields})" if fields and fields != detail else ""))
        self.status, self.code, self.detail, self.body = status, code, detail, body


class UnreachableError(Exception):
    """The service did not answer within the caller's patience."""


class Answer(NamedTuple):
    """A successful answer: its status and its decoded JSON body (None where there is none)."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where each service listens; without an entry of its own a service is behind `default`."""

    default: str
    services: Mapping[str, str]

    @staticmethod
    def parse(text: str) -> "Endpoints":
        """From one address, or from `events=http://…,scoring=http://…` with an address for each service.

        Raises:
            EndpointError: neither form, or a service is missing.
        """
        if "=" not in text:
            return Endpoints(_address(text), {})
        pairs = dict(part.strip().partition("=")[::2] for part in text.split(","))
        unknown, missing = set(pairs) - set(SERVICES), set(SERVICES) - set(pairs)
        if unknown or missing:
            raise EndpointError(f"name each of {', '.join(SERVICES)} once, as events=http://host:8001,…")
        return Endpoints(_address(pairs["events"]), {name: _address(url) for name, url in pairs.items()})

    def url(self, path: str) -> str:
        """The full address of a path."""
        service = path.lstrip("/").partition("/")[0]
        return self.services.get(service, self.default) + path

    def addresses(self) -> tuple[str, ...]:
        """Each distinct address once."""
        return tuple(dict.fromkeys(self.services.values())) or (self.default,)


def _address(text: str) -> str:
    if not text.strip().startswith(("http://", "https://")):
        raise EndpointError(f"{text.strip()[:80]!r} is not an address like http://127.0.0.1:8000")
    return text.strip().rstrip("/")


class ApiClient:
    """A connection to the services. Waits out restarts and overload for at most `patience_s` seconds a call.

    `token` is text, or a function that gives the token of the moment; "" calls without one (public routes).
    A call whose answer got lost is sent again, so use it for what is safe to repeat: reads, events (deduplicated by
    id), and POSTs with an idempotency key.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        token: Token,
        *,
        timeout_s: float = 60.0,
        patience_s: float = 10.0,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoints = endpoints
        self._token, self._patience_s, self._pause = token, patience_s, pause
        self._http = httpx.Client(timeout=timeout_s, transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> Any:
        """The decoded body of a GET. Raises `ApiError` or `UnreachableError`."""
        params = {name: str(value) for name, value in query.items() if value is not None}
        return self.call("GET", path, params=params).body

    def pages(self, path: str, *, limit: int = 200, **query: str | int | None) -> Iterator[Any]:
        """All items of a list that comes in cursor pages."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=limit, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def post(
        self, path: str, body: Any, *, content_type: str = "application/json", token: str | None = None, key: str = ""
    ) -> Answer:
        """A POST. `body` is JSON already when it is bytes; `key` becomes the `Idempotency-Key`."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Content-Type": content_type, **({"Idempotency-Key": key} if key else {})}
        return self.call("POST", path, content=content, headers=headers, token=token)

    def call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """One call, repeated while the service is away or busy.

        Raises:
            ApiError: the service refused.
            UnreachableError: it did not answer in time.
        """
        started, pause_s = time.monotonic(), _FIRST_PAUSE_S
        while True:
            try:
                answer = self._http.request(
                    method,
                    self.endpoints.url(path),
                    content=content,
                    params=params,
                    headers={**self._authorization(token), **(headers or {})},
                )
            except httpx.TransportError as error:
                problem: Exception = UnreachableError(
                    f"{self.endpoints.url(path)} does not answer ({type(error).__name__})"
                )
            else:
                if answer.status_code < 400:
                    return Answer(answer.status_code, msgspec.json.decode(answer.content) if answer.content else None)
                problem = _problem(answer)
                if answer.status_code not in _RETRIED:
                    raise problem
            if time.monotonic() - started + pause_s > self._patience_s:
                raise problem
            self._pause(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _authorization(self, token: str | None) -> dict[str, str]:
        own = self._token if isinstance(self._token, str) else self._token()
        return {"Authorization": f"Bearer {token or own}"} if token or own else {}


def _problem(answer: httpx.Response) -> ApiError:
    try:
        body = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        body = {"detail": answer.reason_phrase or "no problem details"}
    return ApiError(answer.status_code, body)
