"""The HTTP client of the tools: where calls go, what is repeated, and how refusals read."""

import httpx
import pytest

from tests.unit.embedded.fake_server import FakeServer, ok, problem
from tierflow_shared.web.client import ApiError, EndpointError, Endpoints, UnreachableError

FOUR = (
    "events=http://a:1,scoring=http://b:2/,"
    "contact-planner=http://c:3,suitability=http://d:4"
)  # fmt: skip


def test_one_address_serves_every_path() -> None:
    endpoints = Endpoints.parse("http://host:8000/")
    assert endpoints.url("/scoring/v1/pyramid") == "http://host:8000/scoring/v1/pyramid"
    assert endpoints.addresses() == ("http://host:8000",)


def test_with_an_address_per_service_the_first_segment_decides() -> None:
    endpoints = Endpoints.parse(FOUR)
    assert endpoints.url("/scoring/v1/pyramid") == "http://b:2/scoring/v1/pyramid"
    assert endpoints.url("/contact-planner/v1/rms") == "http://c:3/contact-planner/v1/rms"
    assert len(endpoints.addresses()) == 4


@pytest.mark.parametrize("text", ["", "host:8000", "ftp://host", "events=http://a:1", FOUR + ",other=http://x"])
def test_other_texts_are_no_endpoints(text: str) -> None:
    with pytest.raises(EndpointError):
        Endpoints.parse(text)


@pytest.mark.parametrize("away", [httpx.ConnectError("refused"), problem(503), problem(429), httpx.ReadError("cut")])
def test_a_server_that_is_away_for_a_moment_is_waited_for(away: httpx.Response | Exception) -> None:
    server = FakeServer([away, away, ok({"fine": True})])
    assert server.client().get("/scoring/v1/pyramid") == {"fine": True}
    assert len(server.requests) == 3


def test_patience_has_an_end() -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        FakeServer([httpx.ConnectError("refused")]).client(patience_s=0).get("/livez")
    with pytest.raises(ApiError, match="503"):
        FakeServer([problem(503)]).client(patience_s=0).get("/livez")


def test_a_refusal_is_not_repeated_and_reads_as_one_line() -> None:
    errors = [{"field": "query.scheme", "rule": "known", "message": "no such scheme"}]
    server = FakeServer([problem(422, errors=errors)])
    with pytest.raises(ApiError, match=r"^422 some-code: it is so \(query.scheme: no such scheme\)$") as refused:
        server.client().get("/scoring/v1/pyramid", scheme="x")
    assert len(server.requests) == 1
    assert refused.value.body["errors"] == errors


def test_an_answer_that_is_no_problem_document_is_still_an_error() -> None:
    with pytest.raises(ApiError, match="502"):
        FakeServer([httpx.Response(502, text="<html>")]).client().get("/x")


def test_pages_are_read_to_the_end() -> None:
    server = FakeServer([ok({"items": [1, 2], "next": "c"}), ok({"items": [3], "next": None})])
    assert list(server.client().pages("/suitability/v1/sales", state="approved")) == [1, 2, 3]
    assert server.requests[1].url.params["cursor"] == "c"
    assert server.requests[1].url.params["state"] == "approved"


def test_a_post_carries_token_content_type_and_key() -> None:
    server = FakeServer([ok(None, 201)])
    server.client().post("/suitability/v1/sales", {"a": 1}, token="other", key="k")
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["content-type"], headers["idempotency-key"]) == (
        "Bearer other",
        "application/json",
        "k",
    )


def test_without_a_token_there_is_no_authorization_header() -> None:
    server = FakeServer([ok({})])
    server.client(token="").get("/readyz")
    assert "authorization" not in server.requests[0].headers
