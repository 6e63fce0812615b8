"""The short form of `make schemathesis`: some hundred requests to each service, every check switched on."""

from collections.abc import Iterator

import pytest

from tests.security import fuzzing
from tests.security.attacks.target import Target, running
from tierflow_shared.web.client import SERVICES, Endpoints

AT_LEAST = 100


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running(tmp_path_factory.mktemp("fuzzed"), {"TIERFLOW_BASE_CURRENCY": "CNY"}) as target:
        fuzzing.fill(Endpoints.parse(f"http://127.0.0.1:{target.port}"), target.token)
        yield target


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_breaks_the_service_or_its_document(service: str, bank: Target) -> None:
    url = f"http://127.0.0.1:{bank.port}"
    found = fuzzing.fuzz(url, service, bank.token, examples=2, known_ids=True)
    assert found.failures == []
    assert found.errors == []
    assert found.requests >= AT_LEAST
