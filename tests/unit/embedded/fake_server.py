"""A stand-in for Tierflow's HTTP surface: answers from a script, remembers what it was asked."""

from collections.abc import Callable, Iterable

import httpx
import msgspec

from tierflow_shared.web.client import ApiClient, Endpoints

Reply = httpx.Response | Exception


class FakeServer:
    """Gives its replies one after the other; the last one again and again."""

    def __init__(self, replies: Iterable[Reply | Callable[[httpx.Request], Reply]]) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies[0] if len(self._replies) == 1 else self._replies.pop(0)
        found = reply(request) if callable(reply) else reply
        if isinstance(found, Exception):
            raise found
        return found

    def client(self, *, patience_s: float = 5.0, token: str = "token") -> ApiClient:
        """A client whose pauses take no time."""
        return ApiClient(
            Endpoints.parse("http://tierflow.test"),
            token,
            patience_s=patience_s,
            pause=lambda _: None,
            transport=httpx.MockTransport(self._answer),
        )


def ok(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode(body))


def problem(status: int, **members: object) -> httpx.Response:
    return httpx.Response(status, content=msgspec.json.encode({"code": "some-code", "detail": "it is so", **members}))
