"""What a service is given and how it runs: each mistake that a check is there for is made, and must be found."""

import pytest

from tests.k8s_check.environment import environment, secrets
from tests.k8s_check.shape import ports, release, times
from tests.k8s_check.spoiling import (
    Control,
    Overlay,
    config,
    drop,
    got,
    pod,
    reordered,
    service,
    variable,
)

CONTROLS = {
    "a variable that is no setting": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_PARTITION="4"), "TIERFLOW_PARTITION is no setting"
    ),
    "a variable of its own that is no setting": Control(
        environment,
        "local",
        lambda b: service(b)["env"].append({"name": "TIERFLOW_SHARDS", "value": "1"}),
        "TIERFLOW_SHARDS is no setting of scoring",
    ),
    "a setting of another service": Control(
        environment,
        "local",
        lambda b: service(b)["env"].append({"name": "TIERFLOW_PLAN_MAX_LISTED", "value": "1"}),
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
        environment,
        "local",
        lambda b: variable(b, "TIERFLOW_KAFKA_INSTANCE_ID").update(value="one", valueFrom={}),
        "is not the pod's name",
    ),
    "a password that comes too late": Control(
        environment, "local", reordered, "uses DATABASE_PASSWORD, which does not stand before it"
    ),
    "a command that does not exist": Control(
        environment, "local", lambda b: service(b).update(args=["score"]), "score"
    ),
    "an option that does not exist": Control(
        environment,
        "production",
        lambda b: pod(b, "letters-replay", "CronJob")["containers"][0]["args"].append("--all"),
        "--all",
    ),
    "keys that no volume brings": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_JWKS="/keys/jwks.json"), "which no volume brings"
    ),
    "personal data without a key": Control(
        environment, "local", lambda b: config(b).pop("TIERFLOW_KEK_FILE"), "TIERFLOW_KEK_FILE is not set"
    ),
    "a key that no volume brings": Control(
        environment,
        "local",
        lambda b: pod(b, "events")["containers"][0]["volumeMounts"].clear(),
        "TIERFLOW_KEK_FILE names",
    ),
    "a data folder on the read-only root": Control(
        environment, "local", lambda b: config(b).update(TIERFLOW_DATA_DIR="/data"), "where nothing can be written"
    ),
    "a service that is missing": Control(environment, "local", lambda b: drop(b, "Deployment", "events"), "is missing"),
    "a Secret that nobody makes": Control(
        secrets,
        "production",
        lambda b: drop(b, "ExternalSecret", "database-scoring"),
        "nobody makes key password of Secret database-scoring",
    ),
    "a Secret of the local overlay that nobody makes": Control(
        secrets,
        "local",
        lambda b: variable(b, "DATABASE_PASSWORD")["valueFrom"]["secretKeyRef"].update(key="pass"),
        "nobody makes key pass",
    ),
    "a ConfigMap that is missing": Control(
        secrets,
        "local",
        lambda b: service(b)["envFrom"][0]["configMapRef"].update(name="settings"),
        "there is no ConfigMap settings",
    ),
    "a Secret that nobody reads": Control(
        secrets,
        "production",
        lambda b: got(b, "ExternalSecret", "operations-token")["spec"]["target"].update(name="spare"),
        "nobody reads it",
    ),
    "a backup without keys": Control(
        secrets,
        "production",
        lambda b: drop(b, "ExternalSecret", "backup-storage"),
        "an operator reads key access-key-id",
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
        ports,
        "production",
        lambda b: got(b, "PodMonitor", "tierflow")["spec"]["podMetricsEndpoints"][0].update(path="/stats"),
        "no page of",
    ),
    "a route to the wrong service": Control(
        ports,
        "production",
        lambda b: got(b, "HTTPRoute", "tierflow")["spec"]["rules"][0]["backendRefs"][0].update(name="scoring"),
        "wrong",
    ),
    "a route that is missing": Control(
        ports, "production", lambda b: got(b, "HTTPRoute", "tierflow")["spec"]["rules"].pop(), "missing"
    ),
    "a grace period that is too short": Control(
        times, "local", lambda b: pod(b, "scoring").update(terminationGracePeriodSeconds=60), "is killed after 60 s"
    ),
    "a longer drain in the same grace period": Control(
        times, "production", lambda b: config(b).update(TIERFLOW_SHUTDOWN_TIMEOUT_S="15"), "needs up to 115 s"
    ),
    "no pause before the end": Control(times, "local", lambda b: service(b).pop("lifecycle"), "no preStop pause"),
    "a probe more impatient than the check": Control(
        times, "local", lambda b: service(b)["readinessProbe"].update(timeoutSeconds=1), "gives up before"
    ),
    "a start that may take no time": Control(
        times, "local", lambda b: service(b)["startupProbe"].update(failureThreshold=3), "is killed when its start"
    ),
    "a migration that is ended while it waits": Control(
        times,
        "local",
        lambda b: got(b, "Job", "migrate-events-0-1-0")["spec"].update(activeDeadlineSeconds=60),
        "before its patience",
    ),
    "a roll-out given up while it waits": Control(
        times,
        "local",
        lambda b: got(b, "Deployment", "events")["spec"].update(progressDeadlineSeconds=600),
        "longer than",
    ),
    "another release": Control(release, "local", lambda b: service(b).update(image="tierflow:0.0.9"), "not this one"),
    "a tag that moves": Control(
        release, "local", lambda b: pod(b, "gateway")["containers"][0].update(image="nginx"), "is not a release"
    ),
    "a migration that is missing": Control(
        release, "local", lambda b: drop(b, "Job", "migrate-events-0-1-0"), "is missing"
    ),
    "a migration of the wrong service": Control(
        release,
        "local",
        lambda b: pod(b, "migrate-events-0-1-0", "Job")["containers"][0]["args"].__setitem__(2, "scoring"),
        "another",
    ),
    "a migration that changes with the settings": Control(
        release,
        "local",
        lambda b: pod(b, "migrate-events-0-1-0", "Job")["containers"][0].update(envFrom=service(b)["envFrom"]),
        "a Job cannot be changed",
    ),
    "a service that does not wait for its schema": Control(
        release, "local", lambda b: pod(b, "events").pop("initContainers"), "does not wait for its schema"
    ),
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_mistake_is_found(overlay: Overlay, control: Control) -> None:
    build = overlay(control.overlay)
    assert not list(control.check(build)), "before it is broken, nothing is wrong"
    control.spoil(build)
    found = [f"{one.where}: {one.what}" for one in control.check(build)]
    assert any(control.said in one for one in found), found
