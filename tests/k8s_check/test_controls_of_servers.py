"""Scales, databases, Kafka, ways and rights: each mistake that a check is there for is made, and must be found."""

import pytest

from tests.k8s_check import test_controls_of_services
from tests.k8s_check.all_checks import CONSISTENCY
from tests.k8s_check.hardening import hardening
from tests.k8s_check.kafka import kafka
from tests.k8s_check.network import network
from tests.k8s_check.shape import databases, scales
from tests.k8s_check.spoiling import (
    Control,
    Overlay,
    acls,
    config,
    drop,
    got,
    pod,
    policy,
    service,
    variable,
)

CONTROLS = {
    "more replicas than partitions": Control(
        scales,
        "production",
        lambda b: got(b, "ScaledObject", "scoring")["spec"].update(maxReplicaCount=13),
        "up to 13 replicas for 12",
    ),
    "a scale by another group": Control(
        scales,
        "production",
        lambda b: got(b, "ScaledObject", "scoring")["spec"]["triggers"][0]["metadata"].update(consumerGroup="score"),
        "not of the service's group",
    ),
    "two who say how many": Control(
        scales, "production", lambda b: got(b, "Deployment", "scoring")["spec"].update(replicas=2), "and so does its"
    ),
    "too few connections": Control(
        scales,
        "production",
        lambda b: got(b, "Cluster", "tierflow-db")["spec"]["postgresql"]["parameters"].update(max_connections="100"),
        "100 connections",
    ),
    "a database that is missing": Control(
        databases, "production", lambda b: drop(b, "Database", "tierflow-events"), "tierflow_events of tierflow_events"
    ),
    "a database of another order": Control(
        databases,
        "production",
        lambda b: got(b, "Database", "tierflow-events")["spec"].update(localeCollate="en_US"),
        "ordered by code points",
    ),
    "a role that is not let in": Control(
        databases,
        "production",
        lambda b: got(b, "Cluster", "tierflow-db")["spec"]["postgresql"]["pg_hba"].pop(0),
        "does not let tierflow_events",
    ),
    "a local database that nobody creates": Control(
        databases,
        "local",
        lambda b: variable(b, "TIERFLOW_DATABASE_URL").update(value="postgresql+psycopg://a:b@postgres:5432/other"),
        "nobody creates other",
    ),
    "another service's password": Control(
        databases,
        "production",
        lambda b: variable(b, "DATABASE_PASSWORD")["valueFrom"]["secretKeyRef"].update(name="database-events"),
        "shows tierflow_scoring another password",
    ),
    "keys that cannot be reached": Control(
        databases,
        "local",
        lambda b: [
            pod(b, "suitability")["containers"][0]["env"].remove(
                variable(b, "TIERFLOW_KEYS_URL", pod(b, "suitability")["containers"][0])
            )
        ],
        "does not reach the customers' keys",
    ),
    "a topic that is missing": Control(
        kafka, "production", lambda b: drop(b, "KafkaTopic", "tierflow.sales"), "is missing"
    ),
    "a topic nobody knows": Control(
        kafka,
        "production",
        lambda b: got(b, "KafkaTopic", "tierflow.sales")["spec"].update(topicName="sales"),
        "no such",
    ),
    "too few partitions": Control(
        kafka, "production", lambda b: got(b, "KafkaTopic", "bank.events")["spec"].update(partitions=4), "not those of"
    ),
    "facts that are thrown away": Control(
        kafka,
        "production",
        lambda b: got(b, "KafkaTopic", "bank.events")["spec"]["config"].update({"retention.ms": "1"}),
        "says otherwise",
    ),
    "a right too few": Control(
        kafka, "production", lambda b: acls(b, "tierflow-scoring").pop(0), "may not Read topic bank.events"
    ),
    "a right too many": Control(
        kafka,
        "production",
        lambda b: acls(b, "tierflow-scoring")[0]["operations"].append("Write"),
        "needs no Write of topic bank.events",
    ),
    "a user nobody needs": Control(
        kafka,
        "production",
        lambda b: got(b, "KafkaUser", "bank")["metadata"].update(name="admin"),
        "nobody needs it",
    ),
    "a listener without certificates": Control(
        kafka,
        "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"]["listeners"][0].pop("authentication"),
        "lets in whom",
    ),
    "a cluster without rights": Control(
        kafka,
        "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"].pop("authorization"),
        "everybody everything",
    ),
    "messages larger than the broker takes": Control(
        kafka, "production", lambda b: config(b).update(TIERFLOW_KAFKA_MAX_BATCH_BYTES="2000000"), "is smaller than"
    ),
    "a broker that makes any topic": Control(
        kafka,
        "local",
        lambda b: variable(
            b, "KAFKA_AUTO_CREATE_TOPICS_ENABLE", pod(b, "kafka", "StatefulSet")["containers"][0]
        ).update(value="true"),
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
    "no way for the traces": Control(
        network, "production", lambda b: policy(b, "services")["egress"].pop(3), "no egress for TIERFLOW_OTLP_ENDPOINT"
    ),
    "a database that lets nobody in": Control(
        network, "local", lambda b: policy(b, "postgres")["ingress"].clear(), "no ingress for TIERFLOW_DATABASE_URL"
    ),
    "a broker that lets services in no more": Control(
        network,
        "production",
        lambda b: got(b, "Kafka", "tierflow-kafka")["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"].pop(0),
        "no ingress for TIERFLOW_KAFKA_BOOTSTRAP",
    ),
    "no way from the gateway": Control(
        network, "production", lambda b: policy(b, "services")["ingress"].clear(), "no ingress for gateway"
    ),
    "a way on another port": Control(
        network,
        "local",
        lambda b: policy(b, "kafka")["ingress"][0]["ports"][0].update(port=9093),
        "no ingress for TIERFLOW",
    ),
    "a way nobody needs": Control(
        network,
        "local",
        lambda b: policy(b, "migrations")["egress"].append(policy(b, "services")["egress"][0]),
        "migrations egress here:name=kafka kafka: no connection needs it",
    ),
    "a door to the whole world": Control(
        network,
        "production",
        lambda b: policy(b, "services")["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
        "no connection",
    ),
    "another address than the one with a way": Control(
        network,
        "local",
        lambda b: config(b).update(TIERFLOW_KAFKA_BOOTSTRAP="log.bank.example:9092"),
        "log.bank.example",
    ),
    "a declared way that is gone": Control(
        network, "local", lambda b: drop(b, "NetworkPolicy", "metrics"), "no rule is called"
    ),
    "root": Control(hardening, "local", lambda b: service(b)["securityContext"].update(runAsUser=0), "runs as root"),
    "a root that can be written to": Control(
        hardening,
        "local",
        lambda b: service(b)["securityContext"].pop("readOnlyRootFilesystem"),
        "can write to its root",
    ),
    "capabilities": Control(
        hardening, "production", lambda b: service(b)["securityContext"].pop("capabilities"), "keeps capabilities"
    ),
    "rights to gain": Control(
        hardening,
        "production",
        lambda b: service(b)["securityContext"].pop("allowPrivilegeEscalation"),
        "may gain rights",
    ),
    "no seccomp profile": Control(
        hardening,
        "local",
        lambda b: pod(b, "kafka", "StatefulSet")["securityContext"].pop("seccompProfile"),
        "no seccomp",
    ),
    "a token of the API server": Control(
        hardening, "local", lambda b: pod(b, "scoring").pop("automountServiceAccountToken"), "mounts a token"
    ),
    "a folder of the node": Control(
        hardening,
        "local",
        lambda b: pod(b, "scoring")["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        "is a hostPath",
    ),
    "no limit of memory": Control(
        hardening, "local", lambda b: service(b)["resources"].pop("limits"), "no limit of memory"
    ),
    "variables for every Service": Control(
        hardening,
        "local",
        lambda b: pod(b, "kafka", "StatefulSet").pop("enableServiceLinks"),
        "is told of every Service",
    ),
    "a namespace that lets everything run": Control(
        hardening, "local", lambda b: got(b, "Namespace", "tierflow")["metadata"].pop("labels"), "does not enforce"
    ),
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_mistake_is_found(overlay: Overlay, control: Control) -> None:
    build = overlay(control.overlay)
    assert not list(control.check(build)), "before it is broken, nothing is wrong"
    control.spoil(build)
    found = [f"{one.where}: {one.what}" for one in control.check(build)]
    assert any(control.said in one for one in found), found


def test_every_check_has_a_control() -> None:
    controls = [*CONTROLS.values(), *test_controls_of_services.CONTROLS.values()]
    assert {control.check for control in controls} == set(CONSISTENCY)
