"""`python -m tests.security.fuzzing`: Schemathesis over all services, every check switched on.

Asks the services at TIERFLOW_URL with all scopes, once with ids drawn at random and once with ids of a small bank that
it sends in first, and writes what it found to `var/security/schemathesis.json`. Ends with 1 if anything was found.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.security.world import facts
from tierflow_shared.web.client import SERVICES, ApiClient, Endpoints

REPORT: Final = Path("var/security/schemathesis.json")
PROGRAM: Final = Path(sys.executable).with_name("schemathesis")
KNOWN: Final[Mapping[str, str]] = {
    "path.customer_id": "c-own",
    "path.rm_id": "rm-own",
    "path.product_id": "p-own",
    "path.scheme": "private-bank",
    "query.scheme": "private-bank",
    "query.as_of": "2026-03-01",
    "query.from": "2026-03-02",
    "query.to": "2026-03-08",
}
# 422 is a right answer to a body that fits its schema: an unknown currency, a date in the future, a day not closed.
# 429 and 503 never are one here: nothing is overloaded and nothing is down.
CONFIG: Final = """
[generation]
database = "none"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428]
[parameters]
"""


@dataclass(frozen=True)
class Found:
    """What one run over one service showed."""

    service: str
    ids: str
    requests: int
    operations: int
    failures: Sequence[Mapping[str, Any]]
    errors: Sequence[Mapping[str, Any]]
    exit_code: int

    @property
    def is_clean(self) -> bool:
        return self.exit_code == 0 and not self.failures and not self.errors


def fuzz(url: str, service: str, token: str, *, examples: int, known_ids: bool, quiet: bool = True) -> Found:
    """One run of Schemathesis over one service; `examples` bound the cases of each operation and phase."""
    with tempfile.TemporaryDirectory(prefix="tierflow-fuzz-") as name:
        folder = Path(name)
        fixed = KNOWN if known_ids else {}
        lines = "".join(f'"{parameter}" = "{value}"\n' for parameter, value in fixed.items())
        (folder / "schemathesis.toml").write_text(CONFIG + lines)
        command = [
            str(PROGRAM), "--config-file", str(folder / "schemathesis.toml"), "run", f"{url}/{service}/openapi.json",
            "-H", f"Authorization: Bearer {token}", "--checks", "all", "-n", str(examples), "--continue-on-failure",
            "--report", "json", "--report-json-path", str(folder / "report.json"), "--seed", "1", "--no-color",
            "--request-timeout", "30", "--suppress-health-check", "all",
        ]  # fmt: skip
        done = subprocess.run(
            command, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT, text=True, check=False,
            cwd=folder,
        )  # fmt: skip
        if not (folder / "report.json").exists():
            raise RuntimeError(f"schemathesis gave no report: {(done.stdout or '')[-2000:]}")
        said = json.loads((folder / "report.json").read_text())
    if quiet and done.returncode:
        sys.stdout.write(done.stdout)
    return Found(
        service,
        "known" if known_ids else "random",
        said["test_cases"]["generated"],
        (said["operations"] or {}).get("tested", 0),
        said["failures"],
        said["errors"],
        done.returncode,
    )


def fill(endpoints: Endpoints, token: str) -> None:
    """Sends the small bank in, and closes its days."""
    body = json.dumps(list(facts())).encode()
    with ApiClient(endpoints, token, patience_s=60) as client:
        client.post("/events/v1/events", body, content_type="application/cloudevents-batch+json")
        client.post("/events/v1/business-date", {"business_date": "2026-03-02"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=150)
    parser.add_argument("--at-least", type=int, default=20_000, help="requests in all")
    parser.add_argument("--at-once", type=int, default=2, help="services that are asked at the same time")
    asked = parser.parse_args()
    endpoints = Endpoints.parse(os.environ["TIERFLOW_URL"])
    tierflow = str(Path(sys.executable).with_name("tierflow"))
    told = subprocess.run(
        [tierflow, "token", "--subject", "fuzzer", "--scope", "all"], capture_output=True, text=True, check=True
    )
    token = told.stdout.strip().splitlines()[-1]
    fill(endpoints, token)

    def run(wanted: tuple[bool, str]) -> Found:
        known_ids, service = wanted
        url = endpoints.url(f"/{service}").removesuffix(f"/{service}")
        one = fuzz(url, service, token, examples=asked.examples, known_ids=known_ids)
        sys.stdout.write(f"{one.service:16} {one.ids:7} {one.requests:7} requests, {len(one.failures)} failures\n")
        sys.stdout.flush()
        return one

    with ThreadPoolExecutor(asked.at_once) as pool:
        found = list(pool.map(run, [(known_ids, service) for known_ids in (True, False) for service in SERVICES]))
    requests = sum(one.requests for one in found)
    clean = all(one.is_clean for one in found) and requests >= asked.at_least
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    document = {"requests": requests, "clean": clean, "runs": [asdict(one) for one in found]}
    REPORT.write_text(json.dumps(document, indent=2) + "\n")
    sys.stdout.write(f"{requests} requests, {'nothing found' if clean else 'NOT CLEAN'}: {REPORT}\n")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
