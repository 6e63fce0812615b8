"""The whole run: one process for comparison, images, installation, load, accidents, comparison, controls, removal."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

import yaml

from tests.k8s_e2e.accidents import Accidents
from tests.k8s_e2e.forward import Forward
from tests.k8s_e2e.images import ROOT, Wanted, bring
from tests.k8s_e2e.kubectl import ClusterError, Kubectl, until
from tests.k8s_e2e.notes import FailedError, Notes, must
from tests.k8s_e2e.probe import Reader
from tests.k8s_e2e.replays import Replays, alone
from tierflow_embedded.access import Tokens
from tierflow_embedded.envelope import BATCH_CONTENT_TYPE, Envelope, batch_body
from tierflow_embedded.replay.waiting import wait_for_services
from tierflow_shared.contracts.bank import TransactionPosted
from tierflow_shared.contracts.primitives import PositiveMoney
from tierflow_shared.web.client import SERVICES, ApiClient, Endpoints

OVERLAY: Final = ROOT / "tests" / "k8s_e2e" / "overlay"
PREPARE: Final = ROOT / "deploy" / "k8s" / "overlays" / "local" / "prepare.sh"
ISSUER: Final = "urn:tierflow:local"
READ: Final = ("/events/v1/log", "/scoring/v1/policies", "/contact-planner/v1/rms?limit=1", "/suitability/v1/packs")
SAME: Final = ("digest", "decisions_digest", "read", "tiers", "plan", "sales", "accounts")
_INSTALL_LIMIT_S: Final = 900.0
_REMOVE_LIMIT_S: Final = 300.0
_PATIENCE_S: Final = 300.0
_PRIVILEGED: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "privileged"},
    "spec": {"containers": [{"name": "any", "image": "any", "securityContext": {"privileged": True}}]},
}


@dataclass(frozen=True, slots=True)
class Orders:
    """What to run. `limit`: only so many transactions of the bank; `batch`: events in one request."""

    data: Path
    folder: Path
    wanted: Wanted
    limit: int | None
    batch: int
    keep: bool

    @property
    def words(self) -> tuple[str, ...]:
        return ("--batch", str(self.batch), *(("--limit", str(self.limit)) if self.limit else ()))


class Story:
    """One run in the namespace of the overlay; `facts` are what the report says beside the steps."""

    def __init__(self, orders: Orders, notes: Notes) -> None:
        self._orders, self._notes = orders, notes
        self._issuer = orders.folder / "issuer"
        namespace = yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["namespace"]
        self._kubectl = Kubectl(namespace)
        self.facts: dict[str, Any] = {"namespace": namespace}

    def run(self) -> None:
        """Everything, and the removal also after a failure.

        Raises:
            FailedError, ClusterError: something that must hold does not.
        """
        version = json.loads(self._kubectl.run("version", "--output", "json"))
        self.facts["kubernetes"] = version["serverVersion"]["gitVersion"]
        with self._notes.step("the same bank in one process, for comparison") as seen:
            expected = alone(self._orders.data, self._orders.words)
            must(expected["agrees"], "the replay in one process does not agree")
            seen.update({"events": sum(expected["read"].values()), "digest": expected["digest"][:12]})
        manifests = self._kubectl.kustomize(OVERLAY)
        bring(self._orders.wanted, manifests, self._notes, self._orders.folder / "images.log")
        with self._installed(manifests):
            self._play(expected)

    @contextmanager
    def _installed(self, manifests: str) -> Iterator[None]:
        try:
            self._install(manifests)
            yield
        except BaseException:
            self._keep_logs()
            raise
        finally:
            if not self._orders.keep:
                self._remove()

    def _install(self, manifests: str) -> None:
        self._tokens()
        with self._notes.step("namespace with Pod Security restricted, Secrets"):
            self._kubectl.run(
                "delete", "namespace", self._kubectl.namespace, "--ignore-not-found", limit_s=_REMOVE_LIMIT_S
            )
            jwks = str((self._issuer / "jwks.json").absolute())
            done = subprocess.run(
                ["bash", str(PREPARE), jwks, self._kubectl.namespace], capture_output=True, text=True, check=False
            )
            must(done.returncode == 0, f"prepare.sh: {done.stderr[-500:]}")
        with self._notes.step("control: a privileged pod is refused") as seen:
            why = self._kubectl.refused("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(_PRIVILEGED))
            must("violates PodSecurity" in why, "the namespace takes a privileged pod")
            seen["by"] = "PodSecurity restricted"
        with self._notes.step("installed and rolled out") as seen:
            self._kubectl.apply(manifests)
            workloads = self._kubectl.run("get", "deployments,statefulsets", "--output", "name").split()
            for name in self._kubectl.run("get", "jobs", "--output", "name").split():
                self._kubectl.run(
                    "wait",
                    "--for=condition=Complete",
                    name,
                    f"--timeout={_INSTALL_LIMIT_S:.0f}s",
                    limit_s=_INSTALL_LIMIT_S,
                )
            for name in workloads:
                self._kubectl.rolled_out(name, _INSTALL_LIMIT_S)
            seen["workloads"], seen["pods"] = len(workloads), len(self._kubectl.pods(""))

    def _tokens(self) -> Tokens:
        """Our own issuer stands for the bank's; the services know its public keys alone."""
        os.environ["TIERFLOW_ISSUER"] = ISSUER
        return Tokens(self._issuer)

    def _play(self, expected: dict[str, Any]) -> None:
        tokens, variables = self._tokens(), {"TIERFLOW_ISSUER": ISSUER, "TIERFLOW_DATA_DIR": str(self._issuer)}
        with (
            Forward(self._kubectl, "service/gateway", 80) as way,
            ApiClient(Endpoints.parse(way.url), tokens.tool, patience_s=_PATIENCE_S) as client,
            Reader(way.url, READ, tokens.tool) as reader,
        ):
            until(lambda: client.get("/events/readyz")["status"] == "ok", "the gateway", _PATIENCE_S)
            with Replays(self._orders.data, self._orders.words, way.url, variables) as replays:
                accidents = Accidents(self._kubectl, client, replays, reader, self._notes)
                accidents.kill_pods(sum(expected["read"].values()))
                accidents.kill_servers()
                accidents.roll_out()
                accidents.scale(3)
                self._compare(replays, expected)
            self._nobody_noticed(reader)
            self._read(client, expected)
            reader.chapter = "control"
            accidents.take_away("suitability")
            self._one_too_many(client, replays)
            self.facts["port_forwards"] = way.times_started
        self.facts["reads"] = {
            name: {
                "requests": tally.requests,
                "sent_again": tally.again,
                "failed": dict(tally.failed),
                "examples": tally.examples,
            }
            for name, tally in reader.chapters.items()
        }

    def _compare(self, replays: Replays, expected: dict[str, Any]) -> None:
        with self._notes.step("every pass agrees with one process, nothing lost, nothing doubled") as seen:
            passes = replays.finish()
            for number, told in enumerate(passes, start=1):
                must(told["agrees"], f"pass {number} does not agree: {_short(told)}")
                must((told["lost"], told["doubled"]) == (0, 0), f"pass {number}: {_short(told)}")
                must(
                    told["accounts_equal"] == told["accounts"] == expected["accounts"], f"pass {number}: {_short(told)}"
                )
                different = [key for key in SAME if told[key] != expected[key]]
                must(not different, f"pass {number} differs from one process in {', '.join(different)}")
            last = passes[-1]
            seen.update({"passes": len(passes), "events": sum(last["read"].values()), "lost": 0, "doubled": 0})
            seen.update({"accounts_equal": last["accounts_equal"], "digest": last["digest"][:12]})
            self.facts["replays"] = [_short(told) for told in passes]

    def _nobody_noticed(self, reader: Reader) -> None:
        with self._notes.step("no read failed while pods were replaced in good order") as seen:
            planned = {
                name: tally for name, tally in reader.chapters.items() if "rolled out" in name or "scaled" in name
            }
            failed = {name: dict(tally.failed) for name, tally in planned.items() if tally.failed}
            seen["reads"] = sum(tally.requests for tally in planned.values())
            seen["failed"] = sum(tally.failed.total() for tally in planned.values())
            must(
                len(planned) == len(SERVICES) + 2 and all(tally.requests for tally in planned.values()),
                "nothing was read",
            )
            must(not failed, f"reads failed: {failed}")

    def _read(self, client: ApiClient, expected: dict[str, Any]) -> None:
        with self._notes.step("a tier, a plan and a decision through the gateway") as seen:
            sale, standing = _reasoned(client)
            decision = client.get(f"/suitability/v1/decisions/{sale['decision_id']}")
            must(decision["sale_id"] == sale["sale_id"], "the decision is about another sale")
            must(len(decision["findings"]) > 0, "a decision without findings")
            week = expected["plan"]
            plan = client.get(f"/contact-planner/v1/rms/{week['rm']}/plan", **{"from": week["from"], "to": week["to"]})
            must(plan["contacts"] == week["contacts"] > 0, f"the plan has {plan['contacts']} contacts")
            seen["tier"] = f"{standing['scheme']} {standing['tier']}, {len(standing['reasons'])} reasons"
            seen["plan"] = f"{week['rm']}: {plan['contacts']} contacts"
            seen["decision"] = f"{decision['outcome']}, {len(decision['findings'])} findings"

    def _one_too_many(self, client: ApiClient, replays: Replays) -> None:
        """The control of the comparison: one booking that nobody knows of is found as one too many."""
        with self._notes.step("control: a foreign booking is found") as seen:
            account = client.get("/scoring/v1/accounts", limit=1)["items"][0]
            booking = TransactionPosted(
                transaction_id="foreign", customer_id=account["customer_id"], account_id=account["account_id"],
                amount=PositiveMoney(value="1.00", currency="CZK"), direction="credit", booking_date=date(1995, 1, 2),
                channel="branch", purpose="cash",
            )  # fmt: skip
            envelope = Envelope("foreign", "control", datetime.combine(booking.booking_date, time(12), UTC), booking)
            client.post("/events/v1/events", batch_body([envelope.json()]), content_type=BATCH_CONTENT_TYPE)
            wait_for_services(client, limit_s=_PATIENCE_S)
            told = replays.one_pass()
            must(not told["agrees"] and told["doubled"] == 1, f"the comparison does not see it: {_short(told)}")
            must(told["accounts_equal"] == told["accounts"] - 1, f"the account seems equal: {_short(told)}")
            seen.update({"doubled": told["doubled"], "accounts_different": told["accounts"] - told["accounts_equal"]})

    def _remove(self) -> None:
        with self._notes.step("all removed") as seen:
            self._kubectl.run("delete", "namespace", self._kubectl.namespace, "--wait=true", limit_s=_REMOVE_LIMIT_S)
            left = self._kubectl.run("get", "all", "--output", "name").split()
            must(not left, f"left behind: {left}")
            seen["left_behind"] = len(left)

    def _keep_logs(self) -> None:
        """What the pods say, for whoever looks for the reason."""
        folder = self._orders.folder / "logs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            for what in ("pods", "events"):
                (folder / f"{what}.txt").write_text(self._kubectl.run("get", what, "--output", "wide", check=False))
            for pod in self._kubectl.objects("pods"):
                name = pod["metadata"]["name"]
                text = self._kubectl.run("logs", name, "--all-containers", "--tail=400", check=False)
                before = self._kubectl.run("logs", name, "--all-containers", "--previous", "--tail=200", check=False)
                (folder / f"{name}.log").write_text(f"{text}\n--- before its last restart ---\n{before}")
                (folder / f"{name}.txt").write_text(self._kubectl.run("describe", "pod", name, check=False))
        except ClusterError as error:
            self._notes.say(f"no logs: {error}")


def _reasoned(client: ApiClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """A decided sale, and a tier of its customer that has reasons: a lowest tier needs none."""
    for sale in client.get("/suitability/v1/sales", limit=50)["items"]:
        if sale["decision_id"] is None:
            continue
        for standing in client.get(f"/scoring/v1/customers/{sale['customer_id']}")["tiers"]:
            if standing["reasons"]:
                return sale, standing
    raise FailedError("no customer among the first sales has a tier with reasons")


def _short(told: dict[str, Any]) -> dict[str, Any]:
    keys = ("agrees", "lost", "doubled", "accounts", "accounts_equal", "dead_letters", "digest", "seconds")
    return {key: told[key] for key in keys}
