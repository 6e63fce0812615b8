"""What the adapter must know about a cluster, and how it is told to the client library."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tierflow_shared.contracts.registry import KEPT_FOR_EVER

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_DAY_MS: Final = 86_400_000
_BANK: Final = "bank."


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """A cluster and the limits of talking to it. Times are in seconds, sizes in bytes."""

    bootstrap: str
    client_id: str = "tierflow"
    instance_id: str | None = None
    prefix: str = ""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    request_timeout_s: float = 10.0
    session_timeout_s: float = 10.0
    heartbeat_s: float = 2.0
    max_poll_interval_s: float = 60.0
    retry_backoff_s: float = 0.1
    fetch_wait_s: float = 0.5
    fetch_partition_bytes: int = 4_194_304
    max_batch_bytes: int = 1_000_000
    replication_factor: int = 1
    min_insync_replicas: int = 1
    bank_retention_days: int = -1
    own_retention_days: int = 365

    def connection(self) -> dict[str, Any]:
        """The arguments that every client of the library takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": round(self.request_timeout_s * 1000),
            "retry_backoff_ms": round(self.retry_backoff_s * 1000),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            assert self.sasl_username is not None
            assert self.sasl_password_file is not None
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password_file.read_text(encoding="utf-8").strip(),
            }
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def topic_settings(self, topic: str) -> dict[str, str]:
        """The broker's settings for a new topic: the bank's facts are kept long, what Tierflow says for a while."""
        days = self.bank_retention_days if topic.startswith(_BANK) else self.own_retention_days
        if topic in KEPT_FOR_EVER:
            days = -1
        return {
            "min.insync.replicas": str(self.min_insync_replicas),
            "cleanup.policy": "delete",
            "retention.ms": str(days * _DAY_MS if days >= 0 else -1),
            "retention.bytes": "-1",
        }

    def full(self, name: str) -> str:
        """The name of a topic or group on the cluster."""
        return self.prefix + name

    def plain(self, name: str) -> str:
        """The name of a topic or group as the product knows it."""
        return name[len(self.prefix) :]
