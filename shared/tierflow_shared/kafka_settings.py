"""The settings of the log on Kafka; without `TIERFLOW_KAFKA_BOOTSTRAP` the log is a SQLite file."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class KafkaSettings(BaseSettings):
    """A part of every service's settings."""

    kafka_bootstrap: str | None = Field(
        None, max_length=2000, description="host:port,… of the Kafka cluster that is the log; unset: the SQLite log"
    )
    kafka_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]{0,100}$", description="put before topic and group names, to share a cluster"
    )
    kafka_client_id: str = Field("tierflow", min_length=1, max_length=100, description="name shown to the brokers")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how connections are protected"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how we prove who we are, with a SASL protocol"
    )
    kafka_sasl_username: str | None = Field(None, max_length=200, description="user, with a SASL protocol")
    kafka_sasl_password_file: Path | None = Field(None, description="file that holds the password of the user")
    kafka_ca_file: Path | None = Field(None, description="PEM file of the authorities; default the system's")
    kafka_cert_file: Path | None = Field(None, description="PEM file of our own certificate, for mutual TLS")
    kafka_key_file: Path | None = Field(None, description="PEM file of the key of our certificate")
    kafka_request_timeout_s: float = Field(
        10.0, gt=0.5, le=120, description="longest wait for an answer; a publication fails after it"
    )
    kafka_instance_id: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="name that one replica keeps over its restarts (the pod's name); at its start it takes what a "
        "crash left of itself out of the group, instead of waiting for the session timeout",
    )
    kafka_session_timeout_s: float = Field(
        10.0, ge=0.5, le=300, description="a silent member loses its partitions after so long"
    )
    kafka_heartbeat_s: float = Field(
        2.0, gt=0, le=60, description="pause between heartbeats; below a third of the session timeout"
    )
    kafka_max_poll_interval_s: float = Field(
        60.0, ge=1, le=3600, description="a member that does not poll for so long gives its partitions back"
    )
    kafka_fetch_wait_s: float = Field(0.5, ge=0.01, le=10, description="how long the broker waits for new messages")
    kafka_fetch_partition_bytes: int = Field(
        4_194_304, ge=65_536, le=104_857_600, description="most bytes of one partition in one answer"
    )
    kafka_max_batch_bytes: int = Field(
        1_000_000,
        ge=65_536,
        le=104_857_600,
        description="largest batch and largest message written; at most the broker's message.max.bytes",
    )
    kafka_replication_factor: int = Field(1, ge=1, le=9, description="copies of a topic that does not exist yet")
    kafka_min_insync_replicas: int = Field(
        1, ge=1, le=9, description="copies that must have a message before it counts, for a topic that does not exist"
    )
    kafka_bank_retention_days: int = Field(
        -1, ge=-1, le=36_500, description="how long new bank.* topics keep the bank's facts; -1: for ever"
    )
    kafka_own_retention_days: int = Field(
        365, ge=-1, le=36_500, description="how long new tierflow.* topics keep what Tierflow says; -1: for ever"
    )

    @model_validator(mode="after")
    def _kafka_is_consistent(self) -> Self:
        if self.kafka_heartbeat_s * 3 > self.kafka_session_timeout_s:
            raise ValueError("TIERFLOW_KAFKA_HEARTBEAT_S must be at most a third of TIERFLOW_KAFKA_SESSION_TIMEOUT_S")
        if self.kafka_min_insync_replicas > self.kafka_replication_factor:
            raise ValueError("TIERFLOW_KAFKA_MIN_INSYNC_REPLICAS must not exceed TIERFLOW_KAFKA_REPLICATION_FACTOR")
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password_file
        ):
            raise ValueError("SASL needs TIERFLOW_KAFKA_SASL_USERNAME and TIERFLOW_KAFKA_SASL_PASSWORD_FILE")
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ValueError("TIERFLOW_KAFKA_CERT_FILE and TIERFLOW_KAFKA_KEY_FILE belong together")
        return self
