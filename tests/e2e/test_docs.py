"""What the docs show is what the product answers, and their links lead somewhere."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e import docs_bank
from tests.e2e.docs_examples import Example, difference, examples
from tierflow_embedded.process import ServerProcess
from tierflow_shared.clock import SystemClock
from tierflow_shared.settings import ServiceSettings
from tierflow_shared.web.issuer import EmbeddedIssuer
from tierflow_shared.web.scopes import ALL_SCOPES

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if ".venv" not in page.parts)
WITH_EXAMPLES = [page for page in PAGES if "```http" in page.read_text()]
TAKEN_WITHIN_S = 30


class Bank:
    """A server with the docs' small bank on it."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._issuer = EmbeddedIssuer.of(ServiceSettings(data_dir=folder), SystemClock())
        self.http = httpx.Client(base_url=server.url, trust_env=False, timeout=30)

    def authorization(self, subject: str, customer: str | None = None) -> str:
        return f"Bearer {self._issuer.mint(subject, ALL_SCOPES, timedelta(hours=1), customer)}"

    def send(self, example: Example) -> httpx.Response:
        """The request of an example, by an operator or by whom its Authorization header names."""
        headers = {"Authorization": self.authorization("docs-operator"), **example.headers}
        named = re.search(r"<token of (.+?)( as customer)?>", headers["Authorization"])
        if named:
            headers["Authorization"] = self.authorization(named[1], named[1] if named[2] else None)
        if example.body:
            headers.setdefault("Content-Type", "application/json")
        content = example.body.encode() if example.body else None
        answer = self.http.request(example.method, example.path, headers=headers, content=content)
        if example.method != "GET":
            self.wait_until_taken()
        return answer

    def publish(self, body: bytes) -> None:
        headers = {
            "Authorization": self.authorization("core-banking"),
            "Content-Type": "application/cloudevents-batch+json",
        }
        answer = self.http.post("/events/v1/events", content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        self.wait_until_taken()

    def close_days_before(self, day: str) -> None:
        """Says that all business days before this one are over."""
        headers = {"Authorization": self.authorization("operations")}
        answer = self.http.post("/events/v1/business-date", json={"business_date": day}, headers=headers)
        assert answer.status_code == 200, answer.text
        self.wait_until_taken()

    def wait_until_taken(self) -> None:
        """Returns when each service has read what it reads and has said what it had to say."""
        deadline = time.monotonic() + TAKEN_WITHIN_S
        while not all(self._at_the_end(name) for name in ("scoring", "contact-planner", "suitability", "events")):
            assert time.monotonic() < deadline, "the services did not catch up"

    def _at_the_end(self, service: str) -> bool:
        headers = {"Authorization": self.authorization("docs-operator")}
        progress = self.http.get(f"/{service}/v1/progress", headers=headers).json()
        topics = self.http.get("/events/v1/log", headers=headers).json()["topics"]
        ends = {f"{topic}/{row['partition']}": row["end"] for topic, rows in topics.items() for row in rows}
        behind = any(offset < ends[place] for place, offset in progress["positions"].items())
        return bool(progress["positions"]) and not behind and progress["outbox"] == 0


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with ServerProcess(tmp_path, "--currency", "CNY") as server:
        bank = Bank(server, tmp_path)
        bank.publish(docs_bank.batch(docs_bank.reference()))
        bank.publish(docs_bank.batch(docs_bank.customers()))
        bank.close_days_before(docs_bank.DAY)
        yield bank
        bank.http.close()


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_answers_what_the_page_shows(page: Path, bank: Bank) -> None:
    """The examples of a page, one after another, on the docs' small bank."""
    for number, example in enumerate(examples(page), 1):
        answer = bank.send(example)
        name = f"example {number} ({example.method} {example.path})"
        assert answer.status_code == example.status, f"{name}: {answer.status_code} {answer.text}"
        found = difference(example.shown, answer.json()) if answer.content and example.shown is not None else None
        assert found is None, f"{name}: {found}"


def test_pages_with_examples_are_found() -> None:
    """Each service's page has some."""
    names = {page.stem for page in WITH_EXAMPLES}
    assert {"events", "scoring", "contact-planner", "suitability"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder of the project."""
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("shown", "got", "differs"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"a": 2}, True),
        ({"a": "x-…"}, {"a": "x-17"}, False),
        ({"a": "x-…"}, {"a": "y-17"}, True),
        ([1], [1, 2], False),
        ([1, 2], [1], True),
        ({"a": {"b": None}}, {"a": {}}, False),
        ({"a": []}, {"a": "text"}, True),
    ],
)
def test_the_comparison_can_fail(shown: object, got: object, differs: bool) -> None:
    """What is shown must be there; more may be there."""
    assert (difference(shown, got) is not None) == differs
