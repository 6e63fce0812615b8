"""What is done to the cluster while the bank is sent: pods killed, everything rolled out again, scoring scaled."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.k8s_e2e.kubectl import ClusterError, Kubectl, is_ready, restarts, until
from tests.k8s_e2e.notes import Notes, must
from tests.k8s_e2e.probe import Reader
from tests.k8s_e2e.replays import Replays
from tierflow_embedded.replay.waiting import read_log
from tierflow_shared.contracts.registry import BANK_EVENTS
from tierflow_shared.web.client import SERVICES, ApiClient

PORTS: Final = {"events": 8001, "scoring": 8002, "contact-planner": 8003, "suitability": 8004}
# As near to a crash as a container's own shell can ask for: PostgreSQL's immediate shutdown; Kafka ends on SIGTERM.
_BLOWS: Final = {"postgres": "kill -QUIT 1", "kafka": "kill -TERM 1"}
_RECOVERY_LIMIT_S: Final = 600.0
_ARRIVAL_LIMIT_S: Final = 600.0
_OWNED: Final = re.compile(r"^tierflow_stream_partitions\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


def selector(name: str) -> str:
    """The label by which the pods of a part are found."""
    return f"app.kubernetes.io/name={name}"


class Accidents:
    """Everything happens while `replays` runs; `reader` counts what a caller notices."""

    def __init__(self, kubectl: Kubectl, client: ApiClient, replays: Replays, reader: Reader, notes: Notes) -> None:
        self._kubectl, self._client, self._replays, self._reader, self._notes = kubectl, client, replays, reader, notes

    def messages(self) -> int:
        """How many messages lie on the log."""
        return sum(read_log(self._client).values())

    def _under_load(self, seen: dict[str, Any]) -> None:
        self._replays.check()
        until(lambda: self._replays.is_running or self._replays.problem is not None, "no load", _ARRIVAL_LIMIT_S)
        self._replays.check()
        seen["pass"] = self._replays.under_way

    def wait_for_messages(self, least: int) -> None:
        """Returns when that many messages lie on the log."""

        def arrived() -> bool:
            self._replays.check()
            return self.messages() >= least

        until(arrived, f"{least} messages on the log", _ARRIVAL_LIMIT_S)

    def kill_pods(self, final: int) -> None:
        """One pod of each service is killed without notice while new events come in; `final` is how many will come."""
        self._reader.chapter = "pods killed"
        killed = {}
        for number, service in enumerate(SERVICES, start=1):
            with self._notes.step(f"{service}: a pod killed") as seen:
                self.wait_for_messages(final * number // 10)
                self._under_load(seen)
                must(seen["pass"] == 1, "the kill came too late to be one in the middle")
                seen["messages"] = f"{self.messages()} of {final} and more"
                killed[service] = self._kubectl.pods(selector(service))[0]["metadata"]["name"]
                self._kubectl.run("delete", "pod", killed[service], "--grace-period=0", "--force")
        with self._notes.step("others stand in their places, and all answer") as seen:
            for service, pod in killed.items():
                self._until_ready(service, gone=pod)
            self._until(self._all_answer, "services behind the gateway")
            seen.update(self._noticed())

    def kill_servers(self) -> None:
        """PostgreSQL and Kafka go down and come up again on their volume."""
        for name, blow in _BLOWS.items():
            self._reader.chapter = f"{name} killed"
            with self._notes.step(f"{name}: its process killed") as seen:
                self._under_load(seen)
                pod = self._kubectl.pods(selector(name))[0]
                before = restarts(pod)
                self._kubectl.run("exec", pod["metadata"]["name"], "--", "bash", "-c", blow, check=False)
                self._until(partial(self._restarted, name, before), f"{name} was not restarted")
                seen["ready_again_s"] = round(self._until_ready(name), 1)
                for service in SERVICES:
                    self._until_ready(service)
                seen["services_ready_s"] = round(self._until(self._all_answer, "services behind the gateway"), 1)

    def roll_out(self) -> None:
        """Each service is rolled out again, one after another, and no caller notices."""
        for service in SERVICES:
            self._reader.chapter = f"{service} rolled out"
            with self._notes.step(f"{service}: rolled out again under load") as seen:
                self._under_load(seen)
                before = {pod["metadata"]["name"] for pod in self._kubectl.pods(selector(service))}
                self._kubectl.run("rollout", "restart", f"deployment/{service}")
                self._kubectl.rolled_out(f"deployment/{service}", _RECOVERY_LIMIT_S)
                self._until(partial(self._gone, before), f"old pods of {service} remain")
                seen.update(self._noticed())

    def scale(self, replicas: int) -> None:
        """Scoring runs so many times, each with partitions of its own, and then as often as before."""
        before = int(self._kubectl.get("deployment", "scoring")["spec"]["replicas"])
        for count in (replicas, before):
            self._reader.chapter = f"scoring scaled to {count}"
            with self._notes.step(f"scoring scaled to {count}") as seen:
                self._under_load(seen)
                self._kubectl.run("scale", "deployment/scoring", f"--replicas={count}")
                self._kubectl.rolled_out("deployment/scoring", _RECOVERY_LIMIT_S)
                self._until(partial(self._shared_by, count), f"{count} pods do not share the partitions")
                seen["partitions"] = sorted(self._partitions(), reverse=True)
                seen.update(self._noticed())

    def take_away(self, service: str) -> None:
        """The control: a service without any replica is noticed by the reader."""
        replicas = int(self._kubectl.get("deployment", service)["spec"]["replicas"])
        self._reader.chapter = f"control: no {service}"
        with self._notes.step(f"control: without {service} the reader finds failures") as seen:
            self._kubectl.run("scale", f"deployment/{service}", "--replicas=0")
            tally = self._reader.tally
            self._until(lambda: tally.failed.total() > 0, "the reader does not see that a service is away")
            self._kubectl.run("scale", f"deployment/{service}", f"--replicas={replicas}")
            self._kubectl.rolled_out(f"deployment/{service}", _RECOVERY_LIMIT_S)
            self._until(self._all_answer, f"{service} does not answer")
            seen.update(self._noticed())

    def _until(self, holds: Callable[[], bool], what: str) -> float:
        def holds_now() -> bool:
            self._replays.check()
            return holds()

        return until(holds_now, what, _RECOVERY_LIMIT_S)

    def _until_ready(self, name: str, gone: str = "") -> float:
        def ready() -> bool:
            pods = [pod for pod in self._kubectl.pods(selector(name)) if pod["metadata"]["name"] != gone]
            return bool(pods) and all(map(is_ready, pods))

        return self._until(ready, f"{name} is not ready")

    def _restarted(self, name: str, before: int) -> bool:
        return any(restarts(pod) > before for pod in self._kubectl.pods(selector(name)))

    def _gone(self, names: set[str]) -> bool:
        return not names & {pod["metadata"]["name"] for pod in self._kubectl.objects("pods")}

    def _all_answer(self) -> bool:
        return all(self._client.get(f"/{service}/readyz")["status"] == "ok" for service in SERVICES)

    def _shared_by(self, count: int) -> bool:
        owned, whole = self._partitions(), sum(place.startswith(f"{BANK_EVENTS}/") for place in read_log(self._client))
        return len(owned) == count and all(owned) and sum(owned) == whole

    def _partitions(self) -> list[int]:
        """How many partitions each pod of scoring owns, by its own metrics."""
        owned = []
        for pod in self._kubectl.pods(selector("scoring")):
            place = f"/api/v1/namespaces/{self._kubectl.namespace}/pods/{pod['metadata']['name']}:{PORTS['scoring']}"
            try:
                shown = self._kubectl.run("get", "--raw", f"{place}/proxy/metrics")
            except ClusterError:
                shown = ""
            owned.append(sum(int(float(value)) for value in _OWNED.findall(shown)))
        return owned

    def _noticed(self) -> dict[str, Any]:
        tally = self._reader.tally
        return {
            "reads": tally.requests,
            "sent_again": tally.again,
            "failed_reads": tally.failed.total(),
            "slowest_read_s": round(tally.slowest_s, 2),
        }
