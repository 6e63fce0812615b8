"""Each check finds the mistake it is there for: a manifest is broken on purpose, and must be found."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.k8s_check.all_checks import CONSISTENCY, Check
from tests.k8s_check.environment import environment, secrets
from tests.k8s_check.hardening import hardening
from tests.k8s_check.kafka import kafka
from tests.k8s_check.manifests import Build, Object
from tests.k8s_check.network import network
from tests.k8s_check.schemas import Schemas
from tests.k8s_check.shape import databases, ports, release, scales, times

Overlay = Callable[[str], Build]


def got(build: Build, kind: str, name: str) -> Object:
    found = build.get(kind, name)
    assert found is not None, f"no {kind} {name}"
    return found


def pod(build: Build, name: str, kind: str = "Deployment") -> Any:
    work = next(one for one in build.workloads() if (one.kind, one.name) == (kind, name))
    return work.pod


def service(build: Build, name: str = "scoring") -> Any:
    return pod(build, name)["containers"][0]


def variable(build: Build, name: str, container: Any = None) -> Any:
    return next(one for one in (container or service(build))["env"] if one["name"] == name)


def config(build: Build) -> Any:
    return next(one["data"] for one in build.of("ConfigMap") if one["metadata"]["name"].startswith("tierflow-"))


def policy(build: Build, name: str) -> Any:
    return got(build, "NetworkPolicy", name)["spec"]


def drop(build: Build, kind: str, name: str) -> None:
    build.objects.remove(got(build, kind, name))


def acls(build: Build, user: str) -> Any:
    return got(build, "KafkaUser", user)["spec"]["authorization"]["acls"]


class Control(NamedTuple):
    """What is broken, where, and what must be said about it."""

    check: Check
    overlay: str
    spoil: Callable[[Build], Any]
    said: str


def reordered(build: Build) -> None:
    service(build)["env"].sort(key=lambda one: one["name"] == "DATABASE_PASSWORD")


CONTROLS = {
    "a variable that is no setting": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_PARTITION="4"), "TIERFLOW_PARTITION is no setting"
    ),
    "a variable of its own that is no setting": Control(
        environment, "local", lambda b: service(b)["env"].append({"name": "TIERFLOW_SHARDS", "value": "1"}),
        "TIERFLOW_SHARDS is no setting of scoring",
    ),
    "a setting of another service": Control(
        environment, "local", lambda b: service(b)["env"].append({"name": "TIERFLOW_PLAN_MAX_LISTED", "value": "1"}),
        "is no setting of scoring",
    ),
    "a required setting that is missing": Control(
        environment, "production", lambda b: config(b).pop("TIERFLOW_ISSUER"), "needs TIERFLOW_ISSUER"
    ),
    "an address that is missing": Control(
        environment, "local", lambda b: config(b).pop("TIERFLOW_KAFKA_BOOTSTRAP"), "TIERFLOW_KAFKA_BOOTSTRAP is not set"
    ),
    "a value out of its limits": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_PARTITIONS="0"), "greater than or equal to 1"
    ),
    "an embedded service": Control(
        environment, "local", lambda b: config(b).pop("TIERFLOW_ENVIRONMENT"), "TIERFLOW_ENVIRONMENT is embedded"
    ),
    "a service that migrates by itself": Control(
        environment, "local", lambda b: config(b).pop("TIERFLOW_MIGRATE_AT_START"), "TIERFLOW_MIGRATE_AT_START is True"
    ),
    "a service that nobody reaches": Control(
        environment, "local", lambda b: config(b).pop("TIERFLOW_HOST"), "TIERFLOW_HOST is 127.0.0.1"
    ),
    "replicas of one name": Control(
        environment, "local",
        lambda b: variable(b, "TIERFLOW_KAFKA_INSTANCE_ID").update(value="one", valueFrom={}), "is not the pod's name",
    ),
    "a password that comes too late": Control(
        environment, "local", reordered, "uses DATABASE_PASSWORD, which does not stand before it"
    ),
    "a command that does not exist": Control(
        environment, "local", lambda b: service(b).update(args=["score"]), "score"
    ),
    "an option that does not exist": Control(
        environment, "production",
        lambda b: pod(b, "letters-replay", "CronJob")["containers"][0]["args"].append("--all"), "--all",
    ),
    "keys that no volume brings": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_JWKS="/keys/jwks.json"), "which no volume brings"
    ),
    "a data folder on the read-only root": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_DATA_DIR="/data"), "where nothing can be written"
    ),
    "a service that is missing": Control(
        environment, "local", lambda b: drop(b, "Deployment", "events"), "is missing"
    ),
    "a Secret that nobody makes": Control(
        secrets, "production", lambda b: drop(b, "ExternalSecret", "database-scoring"),
        "nobody makes key password of Secret database-scoring",
    ),
    "a Secret of the local overlay that nobody makes": Control(
        secrets, "local",
        lambda b: variable(b, "DATABASE_PASSWORD")["valueFrom"]["secretKeyRef"].update(key="pass"), "nobody makes key pass",
    ),
    "a ConfigMap that is missing": Control(
        secrets, "local", lambda b: service(b)["envFrom"][0]["configMapRef"].update(name="settings"),
        "there is no ConfigMap settings",
    ),
    "a Secret that nobody reads": Control(
        secrets, "production",
        lambda b: got(b, "ExternalSecret", "operations-token")["spec"]["target"].update(name="spare"), "nobody reads it",
    ),
    "a backup without keys": Control(
        secrets, "production", lambda b: drop(b, "ExternalSecret", "backup-storage"), "an operator reads key access-key-id"
    ),
    "another port": Control(
        ports, "local", lambda b: service(b)["ports"][0].update(containerPort=8000), "the code listens on 8002"
    ),
    "a Service that selects nobody": Control(
        ports, "local", lambda b: got(b, "Service", "scoring")["spec"].update(selector={"app": "scoring"}), "selects it"
    ),
    "a Service of another port": Control(
        ports, "local", lambda b: got(b, "Service", "scoring")["spec"]["ports"][0].update(port=80), "wanted is 8002"
    ),
    "liveness that asks for readiness": Control(
        ports, "local", lambda b: service(b)["livenessProbe"]["httpGet"].update(path="/readyz"), "livenessProbe asks"
    ),
    "a path that does not exist": Control(
        ports, "local", lambda b: service(b)["startupProbe"]["httpGet"].update(path="/healthz"), "startupProbe asks"
    ),
    "no budget for evictions": Control(
        ports, "local", lambda b: drop(b, "PodDisruptionBudget", "events"), "has no PodDisruptionBudget"
    ),
    "metrics that are elsewhere": Control(
        ports, "production",
        lambda b: got(b, "PodMonitor", "tierflow")["spec"]["podMetricsEndpoints"][0].update(path="/stats"), "no page of",
    ),
    "a route to the wrong service": Control(
        ports, "production",
        lambda b: got(b, "HTTPRoute", "tierflow")["spec"]["rules"][0]["backendRefs"][0].update(name="scoring"), "wrong",
    ),
    "a route that is missing": Control(
        ports, "production", lambda b: got(b, "HTTPRoute", "tierflow")["spec"]["rules"].pop(), "missing"
    ),
    "a grace period that is too short": Control(
        times, "local", lambda b: pod(b, "scoring").update(terminationGracePeriodSeconds=60), "is killed after 60 s"
    ),
    "a longer drain in the same grace period": Control(
        times, "production", lambda b: config(b).update(TIERFLOW_SHUTDOWN_TIMEOUT_S="15"), "needs up to 110 s"
    ),
    "no pause before the end": Control(
        times, "local", lambda b: service(b).pop("lifecycle"), "no preStop pause"
    ),
    "a probe more impatient than the check": Control(
        times, "local", lambda b: service(b)["readinessProbe"].update(timeoutSeconds=1), "gives up before"
    ),
    "a start that may take no time": Control(
        times, "local", lambda b: service(b)["startupProbe"].update(failureThreshold=3), "is killed when its start"
    ),
    "a migration that is ended while it waits": Control(
        times, "local",
        lambda b: got(b, "Job", "migrate-events-0-1-0")["spec"].update(activeDeadlineSeconds=60), "before its patience",
    ),
    "a roll-out given up while it waits": Control(
        times, "local", lambda b: got(b, "Deployment", "events")["spec"].update(progressDeadlineSeconds=600), "longer than"
    ),
    "another release": Control(
        release, "local", lambda b: service(b).update(image="tierflow:0.0.9"), "not this one"
    ),
    "a tag that moves": Control(
        release, "local", lambda b: pod(b, "gateway")["containers"][0].update(image="nginx"), "is not a release"
    ),
    "a migration that is missing": Control(
        release, "local", lambda b: drop(b, "Job", "migrate-events-0-1-0"), "is missing"
    ),
    "a migration of the wrong service": Control(
        release, "local",
        lambda b: pod(b, "migrate-events-0-1-0", "Job")["containers"][0]["args"].__setitem__(2, "scoring"), "another",
    ),
    "a migration that changes with the settings": Control(
        release, "local",
        lambda b: pod(b, "migrate-events-0-1-0", "Job")["containers"][0].update(envFrom=service(b)["envFrom"]),
        "a Job cannot be changed",
    ),
    "a service that does not wait for its schema": Control(
        release, "local", lambda b: pod(b, "events").pop("initContainers"), "does not wait for its schema"
    ),
    "more replicas than partitions": Control(
        scales, "production",
        lambda b: got(b, "ScaledObject", "scoring")["spec"].update(maxReplicaCount=13), "up to 13 replicas for 12",
    ),
    "a scale by another group": Control(
        scales, "production",
        lambda b: got(b, "ScaledObject", "scoring")["spec"]["triggers"][0]["metadata"].update(consumerGroup="score"),
        "not of the service's group",
    ),
    "two who say how many": Control(
        scales, "production", lambda b: got(b, "Deployment", "scoring")["spec"].update(replicas=2), "and so does its"
    ),
    "too few connections": Control(
        scales, "production",
        lambda b: got(b, "Cluster", "tierflow-db")["spec"]["postgresql"]["parameters"].update(max_connections="100"),
        "100 connections",
    ),
    "a database that is missing": Control(
        databases, "production", lambda b: drop(b, "Database", "tierflow-events"), "tierflow_events of tierflow_events"
    ),
    "a database of another order": Control(
        databases, "production", lambda b: got(b, "Database", "tierflow-events")["spec"].update(localeCollate="en_US"),
        "ordered by code points",
    ),
    "a role that is not let in": Control(
        databases, "production",
        lambda b: got(b, "Cluster", "tierflow-db")["spec"]["postgresql"]["pg_hba"].pop(0), "does not let tierflow_events",
    ),
    "a local database that nobody creates": Control(
        databases, "local",
        lambda b: variable(b, "TIERFLOW_DATABASE_URL").update(value="postgresql+psycopg://a:b@postgres:5432/other"),
        "nobody creates other",
    ),
    "a topic that is missing": Control(
        kafka, "production", lambda b: drop(b, "KafkaTopic", "tierflow.sales"), "is missing"
    ),
    "a topic nobody knows": Control(
        kafka, "production", lambda b: got(b, "KafkaTopic", "tierflow.sales")["spec"].update(topicName="sales"), "no such"
    ),
    "too few partitions": Control(
        kafka, "production", lambda b: got(b, "KafkaTopic", "bank.events")["spec"].update(partitions=4), "not those of"
    ),
    "facts that are thrown away": Control(
        kafka, "production",
        lambda b: got(b, "KafkaTopic", "bank.events")["spec"]["config"].update({"retention.ms": "1"}), "says otherwise",
    ),
    "a right too few": Control(
        kafka, "production", lambda b: acls(b, "tierflow-scoring").pop(0), "may not Read topic bank.events"
    ),
    "a right too many": Control(
        kafka, "production",
        lambda b: acls(b, "tierflow-scoring")[0]["operations"].append("Write"), "needs no Write of topic bank.events",
    ),
    "a user nobody needs": Control(
        kafka, "production",
        lambda b: got(b, "KafkaUser", "bank")["metadata"].update(name="admin"), "nobody needs it",
    ),
    "a listener without certificates": Control(
        kafka, "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"]["listeners"][0].pop("authentication"), "lets in whom",
    ),
    "a cluster without rights": Control(
        kafka, "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"].pop("authorization"), "everybody everything",
    ),
    "messages larger than the broker takes": Control(
        kafka, "production", lambda b: config(b).update(TIERFLOW_KAFKA_MAX_BATCH_BYTES="2000000"), "is smaller than"
    ),
    "a broker that makes any topic": Control(
        kafka, "local",
        lambda b: variable(b, "KAFKA_AUTO_CREATE_TOPICS_ENABLE", pod(b, "kafka", "StatefulSet")["containers"][0]).update(
            value="true"
        ),
        "nobody asked for",
    ),
    "no default": Control(
        network, "local", lambda b: drop(b, "NetworkPolicy", "default-deny"), "none denies everything"
    ),
    "no way to the database": Control(
        network, "production", lambda b: policy(b, "services")["egress"].pop(1), "no egress for TIERFLOW_DATABASE_URL"
    ),
    "no way to Kafka": Control(
        network, "local", lambda b: policy(b, "services")["egress"].pop(0), "no egress for TIERFLOW_KAFKA_BOOTSTRAP"
    ),
    "no way to the issuer": Control(
        network, "production", lambda b: policy(b, "services")["egress"].pop(2), "no egress for TIERFLOW_JWKS"
    ),
    "a database that lets nobody in": Control(
        network, "local", lambda b: policy(b, "postgres")["ingress"].clear(), "no ingress for TIERFLOW_DATABASE_URL"
    ),
    "a broker that lets services in no more": Control(
        network, "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"].pop(0),
        "no ingress for TIERFLOW_KAFKA_BOOTSTRAP",
    ),
    "no way from the gateway": Control(
        network, "production", lambda b: policy(b, "services")["ingress"].clear(), "no ingress for gateway"
    ),
    "a way on another port": Control(
        network, "local", lambda b: policy(b, "kafka")["ingress"][0]["ports"][0].update(port=9093), "no ingress for TIERFLOW"
    ),
    "a way nobody needs": Control(
        network, "local",
        lambda b: policy(b, "migrations")["egress"].append(policy(b, "services")["egress"][0]),
        "migrations egress here:name=kafka kafka: no connection needs it",
    ),
    "a door to the whole world": Control(
        network, "production",
        lambda b: policy(b, "services")["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}), "no connection",
    ),
    "another address than the one with a way": Control(
        network, "local", lambda b: config(b).update(TIERFLOW_KAFKA_BOOTSTRAP="log.bank.example:9092"), "log.bank.example"
    ),
    "a declared way that is gone": Control(
        network, "local", lambda b: drop(b, "NetworkPolicy", "metrics"), "no rule is called"
    ),
    "root": Control(
        hardening, "local", lambda b: service(b)["securityContext"].update(runAsUser=0), "runs as root"
    ),
    "a root that can be written to": Control(
        hardening, "local", lambda b: service(b)["securityContext"].pop("readOnlyRootFilesystem"), "can write to its root"
    ),
    "capabilities": Control(
        hardening, "production", lambda b: service(b)["securityContext"].pop("capabilities"), "keeps capabilities"
    ),
    "rights to gain": Control(
        hardening, "production", lambda b: service(b)["securityContext"].pop("allowPrivilegeEscalation"), "may gain rights"
    ),
    "no seccomp profile": Control(
        hardening, "local", lambda b: pod(b, "kafka", "StatefulSet")["securityContext"].pop("seccompProfile"), "no seccomp"
    ),
    "a token of the API server": Control(
        hardening, "local", lambda b: pod(b, "scoring").pop("automountServiceAccountToken"), "mounts a token"
    ),
    "a folder of the node": Control(
        hardening, "local",
        lambda b: pod(b, "scoring")["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), "is a hostPath",
    ),
    "no limit of memory": Control(
        hardening, "local", lambda b: service(b)["resources"].pop("limits"), "no limit of memory"
    ),
    "variables for every Service": Control(
        hardening, "local", lambda b: pod(b, "kafka", "StatefulSet").pop("enableServiceLinks"), "is told of every Service"
    ),
    "a namespace that lets everything run": Control(
        hardening, "local", lambda b: got(b, "Namespace", "tierflow")["metadata"].pop("labels"), "does not enforce"
    ),
}  # fmt: skip


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_mistake_is_found(overlay: Overlay, control: Control) -> None:
    build = overlay(control.overlay)
    assert not list(control.check(build)), "before it is broken, nothing is wrong"
    control.spoil(build)
    found = [f"{one.where}: {one.what}" for one in control.check(build)]
    assert any(control.said in one for one in found), found


def test_every_check_has_a_control() -> None:
    assert {control.check for control in CONTROLS.values()} == set(CONSISTENCY)


SCHEMA_MISTAKES = {
    "an unknown field": ("local", "Deployment", "scoring", lambda one: one["spec"].update(replica=2), "replica"),
    "an unknown field deep inside": (
        "local", "Deployment", "scoring",
        lambda one: one["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(period=1), "period",
    ),
    "a wrong type": ("local", "Service", "scoring", lambda one: one["spec"].update(ports={}), "ports"),
    "a missing field": ("local", "PodDisruptionBudget", "scoring", lambda one: one.update(spec=[]), "spec"),
    "a wrong word": (
        "production", "HTTPRoute", "tierflow",
        lambda one: one["spec"]["rules"][0]["matches"][0]["path"].update(type="Prefix"), "Prefix",
    ),
    "an unknown field of Kafka": ("production", "Kafka", "tierflow-kafka", lambda one: one["spec"].update(zookeeper={}), "zoo"),
    "a right that Kafka does not know": (
        "production", "KafkaUser", "bank",
        lambda one: one["spec"]["authorization"]["acls"][0].update(operations=["Look"]), "Look",
    ),
    "an unknown field of a database": ("production", "Cluster", "tierflow-db", lambda one: one["spec"].update(replicas=3), "replicas"),
    "an unknown field of a scale": ("production", "ScaledObject", "scoring", lambda one: one["spec"].update(max=3), "max"),
    "an unknown field of a secret": ("production", "ExternalSecret", "operations-token", lambda one: one["spec"].update(key=3), "key"),
    "a version that is gone": ("production", "KafkaTopic", "bank.events", lambda one: one.update(apiVersion="kafka.strimzi.io/v1beta2"), "no schema"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SCHEMA_MISTAKES.values(), ids=SCHEMA_MISTAKES)
def test_the_schemas_are_strict(overlay: Overlay, schemas: Schemas, mistake: Any) -> None:
    name, kind, object_name, spoil, said = mistake
    build = overlay(name)
    assert not list(schemas.findings(build))
    spoil(got(build, kind, object_name))
    found = [one.what for one in schemas.findings(build)]
    assert any(said in one for one in found), found


def test_an_object_that_is_there_twice_is_found(overlay: Overlay, schemas: Schemas) -> None:
    build = overlay("local")
    build.objects.append(got(build, "Service", "scoring"))
    assert [one.what for one in schemas.findings(build)] == ["is there twice"]
