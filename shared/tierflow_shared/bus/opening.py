"""Which log a service uses: the only place that decides it."""

from tierflow_shared.bus.kafka import KafkaBus, KafkaOptions
from tierflow_shared.bus.port import Bus
from tierflow_shared.bus.sqlite import SqliteBus
from tierflow_shared.clock import Clock
from tierflow_shared.settings import ServiceSettings


def open_bus(settings: ServiceSettings, clock: Clock) -> Bus:
    """Kafka where `TIERFLOW_KAFKA_BOOTSTRAP` is set, else the SQLite log. Its owner closes it."""
    if settings.kafka_bootstrap is None:
        return SqliteBus(settings.bus_file, clock=clock)
    return KafkaBus(kafka_options(settings, settings.kafka_bootstrap), clock=clock)


def kafka_options(settings: ServiceSettings, bootstrap: str) -> KafkaOptions:
    """The cluster as the settings describe it."""
    return KafkaOptions(
        bootstrap=bootstrap,
        client_id=settings.kafka_client_id,
        prefix=settings.kafka_prefix,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password_file=settings.kafka_sasl_password_file,
        ca_file=settings.kafka_ca_file,
        cert_file=settings.kafka_cert_file,
        key_file=settings.kafka_key_file,
        request_timeout_s=settings.kafka_request_timeout_s,
        instance_id=settings.kafka_instance_id,
        session_timeout_s=settings.kafka_session_timeout_s,
        heartbeat_s=settings.kafka_heartbeat_s,
        max_poll_interval_s=settings.kafka_max_poll_interval_s,
        fetch_wait_s=settings.kafka_fetch_wait_s,
        fetch_partition_bytes=settings.kafka_fetch_partition_bytes,
        max_batch_bytes=settings.kafka_max_batch_bytes,
        replication_factor=settings.kafka_replication_factor,
        min_insync_replicas=settings.kafka_min_insync_replicas,
        bank_retention_days=settings.kafka_bank_retention_days,
        own_retention_days=settings.kafka_own_retention_days,
    )
