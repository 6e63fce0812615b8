"""Topics, users and rights on Kafka: exactly what the code needs."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.k8s_check import code
from tests.k8s_check.environment import settings_of
from tests.k8s_check.manifests import Build, Finding, Object, where_of
from tierflow_shared.bus.opening import kafka_options
from tierflow_shared.contracts.registry import BANK_EVENTS, EVENT_TYPES, TOPICS
from tierflow_shared.settings import ServiceSettings

KEDA: Final = "tierflow-keda"
TRIAL: Final = "tierflow-trial"
BANK: Final = "bank"


class Right(NamedTuple):
    """One operation on one resource, by its full name or a prefix of it."""

    type: str
    name: str
    pattern: str
    operation: str


def kafka(build: Build) -> Iterator[Finding]:
    """All of this module; an overlay whose services make their topics themselves has nothing to check."""
    settings = _settings(build)
    clusters = build.of("Kafka")
    if settings is None:
        return
    if not clusters:
        yield from _own_broker(build, settings)
        return
    yield from _cluster(clusters[0], settings)
    yield from _topics(build, settings)
    yield from _users(build, settings)
    name = clusters[0]["metadata"]["name"]
    for one in (*build.of("KafkaTopic"), *build.of("KafkaUser"), *build.of("KafkaNodePool")):
        if one["metadata"].get("labels", {}).get("strimzi.io/cluster") != name:
            yield Finding("kafka", where_of(one), f"is not of the cluster {name}")


def _settings(build: Build) -> ServiceSettings | None:
    work = build.deployment("events")
    return settings_of(build, work.pod["containers"][0], "events") if work else None


def _own_broker(build: Build, settings: ServiceSettings) -> Iterator[Finding]:
    for work in build.workloads():
        variables = {one["name"]: one.get("value", "") for one in work.containers[0].get("env", ())}
        if "KAFKA_ADVERTISED_LISTENERS" in variables:
            if variables["KAFKA_ADVERTISED_LISTENERS"] != f"PLAINTEXT://{settings.kafka_bootstrap}":
                yield Finding("kafka", work.where, f"is not told its address {settings.kafka_bootstrap}")
            if variables.get("KAFKA_AUTO_CREATE_TOPICS_ENABLE") != "false":
                yield Finding("kafka", work.where, "makes topics nobody asked for")
            return
    yield Finding("kafka", "broker", "there is none")


def _cluster(cluster: Object, settings: ServiceSettings) -> Iterator[Finding]:
    where, spec = where_of(cluster), cluster["spec"]["kafka"]
    port = int((settings.kafka_bootstrap or ":0").rpartition(":")[2])
    listener: Object = next((one for one in spec["listeners"] if one["port"] == port), {})
    uses_certificates = settings.kafka_security_protocol == "SSL" and settings.kafka_cert_file is not None
    if not (listener.get("tls") and listener.get("authentication", {}).get("type") == "tls" and uses_certificates):
        yield Finding("kafka", where, f"port {port} does not take the certificates that the services show")
    for one in spec["listeners"]:
        if not one.get("tls") or "authentication" not in one:
            yield Finding("kafka", where, f"listener {one['name']} lets in whom nobody knows")
    if spec.get("authorization", {}).get("type") != "simple":
        yield Finding("kafka", where, "allows everybody everything")
    config = {name: str(value) for name, value in spec["config"].items()}
    if config.get("auto.create.topics.enable") != "false":
        yield Finding("kafka", where, "makes topics nobody asked for")
    if int(config.get("message.max.bytes", 1_048_588)) < settings.kafka_max_batch_bytes:
        yield Finding("kafka", where, "message.max.bytes is smaller than TIERFLOW_KAFKA_MAX_BATCH_BYTES")


def _topics(build: Build, settings: ServiceSettings) -> Iterator[Finding]:
    options = kafka_options(settings, settings.kafka_bootstrap or "")
    wanted = {options.full(topic): topic for topic in TOPICS}
    found = {one["spec"].get("topicName", one["metadata"]["name"]): one for one in build.of("KafkaTopic")}
    for name in sorted(wanted.keys() ^ found.keys()):
        yield Finding("kafka", f"KafkaTopic/{name}", "is missing" if name in wanted else "the code knows no such topic")
    for name in wanted.keys() & found.keys():
        spec = found[name]["spec"]
        if spec["partitions"] != settings.partitions or spec["replicas"] != settings.kafka_replication_factor:
            yield Finding("kafka", where_of(found[name]), "partitions or copies are not those of the settings")
        config = {key: str(value) for key, value in spec["config"].items()}
        if config != options.topic_settings(wanted[name]):
            yield Finding("kafka", where_of(found[name]), f"is kept as {config}, the code says otherwise")


def expected_rights(settings: ServiceSettings) -> dict[str, set[Right]]:
    """By user, what the code does with topics and groups."""
    full = settings.kafka_prefix
    streams = code.streams()
    rights: dict[str, set[Right]] = {}
    for service, one in streams.items():
        mine = {Right("topic", full + topic, "literal", "Describe") for topic in TOPICS}
        mine |= {Right("topic", full + topic, "literal", "Read") for topic in one.reads}
        mine |= {Right("topic", full + topic, "literal", "Write") for topic in one.writes}
        mine |= {Right("group", full + one.group, "literal", what) for what in ("Describe", "Read")}
        if service == "events":  # it shows how far each group has come
            mine |= {Right("group", full + other.group, "literal", "Describe") for other in streams.values()}
        rights[f"tierflow-{service}"] = mine
    rights[TRIAL] = {Right("topic", full + BANK_EVENTS, "literal", what) for what in ("Describe", "Read")}
    rights[TRIAL] |= {Right("group", full + code.TRIAL_GROUPS, "prefix", what) for what in ("Describe", "Read")}
    inbound = {one.topic for one in EVENT_TYPES.values() if one.direction == "in"}
    rights[BANK] = {
        Right("topic", full + topic, "literal", what) for topic in inbound for what in ("Describe", "Write")
    }
    return rights


def _rights_of_keda(build: Build) -> set[Right]:
    """What its triggers look at."""
    said = [trigger["metadata"] for one in build.of("ScaledObject") for trigger in one["spec"]["triggers"]
            if trigger["type"] == "kafka"]  # fmt: skip
    topics = {Right("topic", one["topic"], "literal", "Describe") for one in said}
    return topics | {Right("group", one["consumerGroup"], "literal", "Describe") for one in said}


def _users(build: Build, settings: ServiceSettings) -> Iterator[Finding]:
    wanted: Mapping[str, set[Right]] = {**expected_rights(settings), KEDA: _rights_of_keda(build)}
    found = {one["metadata"]["name"]: one for one in build.of("KafkaUser")}
    for name in sorted(wanted.keys() ^ found.keys()):
        yield Finding("kafka", f"KafkaUser/{name}", "is missing" if name in wanted else "nobody needs it")
    for name in sorted(wanted.keys() & found.keys()):
        spec = found[name]["spec"]
        if spec.get("authentication", {}).get("type") != "tls" or spec.get("authorization", {}).get("type") != "simple":
            yield Finding("kafka", where_of(found[name]), "has no certificate, or no limits")
            continue
        has = {
            Right(acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"], operation)
            for acl in spec["authorization"]["acls"]
            for operation in acl["operations"]
        }
        for right in sorted(wanted[name] - has):
            yield Finding("kafka", where_of(found[name]), f"may not {right.operation} {right.type} {right.name}")
        for right in sorted(has - wanted[name]):
            yield Finding("kafka", where_of(found[name]), f"needs no {right.operation} of {right.type} {right.name}")
