"""Ways between pods: each connection that the code makes has one, and there is none without a need.

The connections come from the settings of each pod, from the gateway's routes and from `ways.toml`, which names those
that servers and operators need among themselves. NetworkPolicies are read as Kubernetes does: what no policy selects
may do all, what one selects may do what any policy allows.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import make_url

from tests.k8s_check import code
from tests.k8s_check.environment import settings_of
from tests.k8s_check.manifests import Build, Finding, Object, Workload, given, is_ours, matches

WAYS: Final = Path(__file__).parent / "ways.toml"
_NAMESPACE: Final = "kubernetes.io/metadata.name"
_HTTPS: Final = 443


class Place(NamedTuple):
    """One end of a way: pods of a namespace by their labels, or an address outside ("")."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    outside: str = ""

    def __str__(self) -> str:
        if self.outside:
            return self.outside
        names = ",".join(f"{name.rpartition('/')[2]}={value}" for name, value in self.labels)
        return f"{self.namespace or 'here'}:{names or 'all'}"


@dataclass(frozen=True, slots=True)
class Way:
    """A connection that the code makes."""

    source: Place
    target: Place
    ports: frozenset[str]
    why: str


@dataclass(slots=True)
class Rule:
    """One peer and one port of one policy: the smallest thing that may be allowed."""

    policy: str
    direction: str
    selector: Object
    peer: Object | None
    port: str
    used: bool = field(default=False)

    def __str__(self) -> str:
        return f"{self.policy} {self.direction} {_peer_name(self.peer)} {self.port}"

    def selects(self, place: Place) -> bool:
        return not place.outside and not place.namespace and matches(self.selector, dict(place.labels))

    def takes(self, place: Place, ports: frozenset[str]) -> bool:
        """True when the rule allows this other end."""
        return self.port in ports and (self.peer is None or _is_peer(self.peer, place))


def _is_peer(peer: Object, place: Place) -> bool:
    if "ipBlock" in peer or place.outside:
        return "ipBlock" in peer and bool(place.outside)
    spaces = peer.get("namespaceSelector")
    here = not place.namespace if spaces is None else matches(spaces, {_NAMESPACE: place.namespace})
    return here and matches(peer.get("podSelector"), dict(place.labels))


def _peer_name(peer: Object | None) -> str:
    if peer is None:
        return "everybody"
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    space = peer.get("namespaceSelector", {}).get("matchLabels", {}).get(_NAMESPACE, "")
    return str(Place(space, tuple(peer.get("podSelector", {}).get("matchLabels", {}).items())))


def rules(build: Build) -> list[Rule]:
    """All rules, those of Strimzi's listeners too."""
    found: list[Rule] = []
    for one in build.of("NetworkPolicy"):
        name, spec = one["metadata"]["name"], one["spec"]
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, ()):
                for peer in rule.get(ends) or [None]:
                    for port in rule.get("ports") or [{"port": "all"}]:
                        shown = f"{port['port']}" + ("/udp" if port.get("protocol") == "UDP" else "")
                        found.append(Rule(name, direction, spec["podSelector"], peer, shown))
    for one in build.of("Kafka"):
        name = one["metadata"]["name"]
        brokers = {"matchLabels": {"strimzi.io/name": f"{name}-kafka"}}
        for listener in one["spec"]["kafka"]["listeners"]:
            found += [
                Rule(f"listener {listener['name']}", "ingress", brokers, peer, str(listener["port"]))
                for peer in listener.get("networkPolicyPeers") or [None]
            ]
    return found


def place_of(work: Workload) -> Place:
    return Place("", tuple(sorted(work.labels.items())))


def _target(build: Build, host: str, port: int) -> tuple[Place, frozenset[str]]:
    """The pods behind a name, with the names and the number of their port."""
    service = build.get("Service", host)
    if service is not None:
        selector = service["spec"]["selector"]
        offered = next((one["targetPort"] for one in service["spec"]["ports"] if one["port"] == port), port)
        for work in build.workloads():
            if matches({"matchLabels": selector}, work.labels):
                numbers = {one.get("name"): one["containerPort"] for c in work.containers for one in c.get("ports", ())}
                return place_of(work), frozenset({str(offered), str(numbers.get(offered, offered))})
    for one in build.of("Kafka"):
        if host == f"{one['metadata']['name']}-kafka-bootstrap":
            name = one["metadata"]["name"]
            labels = {"strimzi.io/cluster": name, "strimzi.io/name": f"{name}-kafka", "strimzi.io/kind": "Kafka"}
            return Place("", tuple(labels.items())), frozenset({str(port)})
    for one in build.of("Cluster"):
        if host in (f"{one['metadata']['name']}-rw", f"{one['metadata']['name']}-ro"):
            labels = {"cnpg.io/cluster": one["metadata"]["name"], "cnpg.io/podRole": "instance"}
            return Place("", tuple(labels.items())), frozenset({str(port)})
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    if domain in ("svc", "svc.cluster.local"):  # a Service of another namespace, whose pods carry its name
        return Place(namespace, (("app.kubernetes.io/name", name),)), frozenset({str(port)})
    return Place("", (), host), frozenset({str(port)})


def _addresses(build: Build, container: Object, service: str | None) -> Iterator[tuple[str, str, int]]:
    """Name, host and port of each server that a container's variables name."""
    values = given(build, container)
    serves = service is not None and container.get("args", [""])[0] == service
    tools = container.get("args", [])
    reads_the_log = serves or tools[:2] == ["replay", "topic"]
    for name in ("TIERFLOW_DATABASE_URL", "TIERFLOW_TRIAL_DATABASE_URL", "TIERFLOW_KEYS_URL"):
        if name in values:
            url = make_url(values[name])
            yield name, url.host or "", url.port or 5432
    if reads_the_log:
        for server in values.get("TIERFLOW_KAFKA_BOOTSTRAP", "").split(","):
            host, _, port = server.partition(":")
            yield "TIERFLOW_KAFKA_BOOTSTRAP", host, int(port)
    if serves:
        assert service is not None
        settings = settings_of(build, container, service)
        for field_name in sorted(code.ADDRESS_FIELDS - {"kafka_bootstrap", "database_url", "keys_url"}):
            address = str(getattr(settings, field_name, None) or "")
            if address.startswith(("https://", "http://")):
                url_parts = urlsplit(address)
                yield code.variable(field_name), url_parts.hostname or "", url_parts.port or _HTTPS
    else:
        for pair in values.get("TIERFLOW_URL", "").split(",") if "TIERFLOW_URL" in values else ():
            parts = urlsplit(pair.partition("=")[2])
            yield "TIERFLOW_URL", parts.hostname or "", parts.port or 80


def needed(build: Build) -> list[Way]:
    """Every connection that the pods' settings and the gateway's routes ask for."""
    found: list[Way] = []
    for work in build.workloads():
        service = work.name if work.name in code.SERVICES else None
        for container in work.containers:
            if is_ours(container):
                for name, host, port in _addresses(build, container, service):
                    target, ports = _target(build, host, port)
                    found.append(Way(place_of(work), target, ports, name))
    gateway = build.deployment("gateway")
    for door in build.of("Gateway"):
        labels = (("gateway.envoyproxy.io/owning-gateway-name", door["metadata"]["name"]),)
        found += _from_gateway(build, Place("envoy-gateway-system", labels))
    if gateway is not None:
        found += _from_gateway(build, place_of(gateway))
    return found


def _from_gateway(build: Build, gateway: Place) -> list[Way]:
    return [Way(gateway, *_target(build, service, port), "gateway") for service, port in code.SERVICE_PORTS.items()]


def network(build: Build) -> Iterator[Finding]:
    """All of this module."""
    if not any(_denies_all(one) for one in build.of("NetworkPolicy")):
        yield Finding("network", "NetworkPolicy", "none denies everything that is not allowed")
    everything = rules(build)
    for way in needed(build):
        for direction, here, there in (("egress", way.source, way.target), ("ingress", way.target, way.source)):
            if here.outside or here.namespace:
                continue
            allowing = [
                rule for rule in everything
                if rule.direction == direction and rule.selects(here) and rule.takes(there, way.ports)
            ]  # fmt: skip
            for rule in allowing:
                rule.used = True
            if not allowing:
                yield Finding("network", str(here), f"no {direction} for {way.why}: {there} {sorted(way.ports)}")
    declared = dict(_declared(build.name))
    for rule in everything:
        known = declared.pop(str(rule), None) is not None
        if known == rule.used:
            told = "is declared in ways.toml, but the code needs it" if known else "no connection needs it"
            yield Finding("network", str(rule), told)
    for name in declared:
        yield Finding("network", "ways.toml", f"no rule is called {name!r}")


def _denies_all(policy: Object) -> bool:
    spec: Mapping[str, Any] = policy["spec"]
    both = set(spec["policyTypes"]) == {"Ingress", "Egress"}
    return spec["podSelector"] == {} and both and not spec.get("ingress") and not spec.get("egress")


def _declared(overlay: str) -> Iterator[tuple[str, str]]:
    """Rules that `ways.toml` names for this overlay or for all, each with its reason."""
    found = tomllib.loads(WAYS.read_text(encoding="utf-8"))
    for section in ("all", overlay):
        for name, why in found.get(section, {}).items():
            assert len(why) > 10, f"{name} has no reason"
            yield name, why
