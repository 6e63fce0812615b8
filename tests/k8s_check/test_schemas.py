"""An unknown field, a wrong type or word, and a kind without a schema are found."""

from typing import Any

import pytest

from tests.k8s_check.schemas import Schemas
from tests.k8s_check.spoiling import Overlay, got

SCHEMA_MISTAKES = {
    "an unknown field": ("local", "Deployment", "scoring", lambda one: one["spec"].update(replica=2), "replica"),
    "an unknown field deep inside": (
        "local",
        "Deployment",
        "scoring",
        lambda one: one["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(period=1),
        "period",
    ),
    "a wrong type": ("local", "Service", "scoring", lambda one: one["spec"].update(ports={}), "ports"),
    "a missing field": ("local", "PodDisruptionBudget", "scoring", lambda one: one.update(spec=[]), "spec"),
    "a wrong word": (
        "production",
        "HTTPRoute",
        "tierflow",
        lambda one: one["spec"]["rules"][0]["matches"][0]["path"].update(type="Prefix"),
        "Prefix",
    ),
    "an unknown field of Kafka": (
        "production",
        "Kafka",
        "tierflow-kafka",
        lambda one: one["spec"].update(zookeeper={}),
        "zoo",
    ),
    "a right that Kafka does not know": (
        "production",
        "KafkaUser",
        "bank",
        lambda one: one["spec"]["authorization"]["acls"][0].update(operations=["Look"]),
        "Look",
    ),
    "an unknown field of a database": (
        "production",
        "Cluster",
        "tierflow-db",
        lambda one: one["spec"].update(replicas=3),
        "replicas",
    ),
    "an unknown field of a scale": (
        "production",
        "ScaledObject",
        "scoring",
        lambda one: one["spec"].update(max=3),
        "max",
    ),
    "an unknown field of a secret": (
        "production",
        "ExternalSecret",
        "operations-token",
        lambda one: one["spec"].update(key=3),
        "key",
    ),
    "a version that is gone": (
        "production",
        "KafkaTopic",
        "bank.events",
        lambda one: one.update(apiVersion="kafka.strimzi.io/v1beta2"),
        "no schema",
    ),
}


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
