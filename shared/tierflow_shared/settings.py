"""Settings every service has: frozen, read once from the environment, each with its meaning and limit."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from tierflow_shared.kafka_settings import KafkaSettings

EMBEDDED_ISSUER = "urn:tierflow:embedded"

Port = Annotated[int, Field(ge=1, le=65_535)]


class ServiceSettings(KafkaSettings):
    """What a service needs to know before it starts. `TIERFLOW_DATA_DIR=/data` sets `data_dir`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix="TIERFLOW_", frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True
    )

    environment: Literal["embedded", "production"] = Field(
        "embedded", description="production refuses to start without an external issuer of tokens"
    )
    data_dir: Path = Field(Path("var/data"), description="folder of the embedded databases, log and keys")
    database_url: str | None = Field(
        None,
        repr=False,
        description="URL of the service's database, postgresql+psycopg://… in production; {service} in it becomes the "
        "service's name with _ for -; default a SQLite file in data_dir",
    )
    database_pool_size: int = Field(8, ge=1, le=200, description="connections of this process to its database")
    database_pool_timeout_s: float = Field(5.0, gt=0, le=60, description="longest wait for a connection of the pool")
    database_connect_timeout_s: int = Field(5, ge=2, le=60, description="limit of connecting to PostgreSQL")
    database_statement_timeout_s: float = Field(60.0, gt=0, le=3600, description="limit of a statement in PostgreSQL")
    database_lock_timeout_s: float = Field(10.0, gt=0, le=600, description="longest wait for a lock, also of SQLite")
    database_idle_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="PostgreSQL ends a transaction that does nothing for so long"
    )
    migrate_at_start: bool = Field(
        True, description="bring the schema up to date at start; if false, refuse to start when it is not"
    )
    bus_path: Path | None = Field(None, description="file of the embedded log; default data_dir/log.db")
    partitions: int = Field(4, ge=1, le=1024, description="partitions of a topic that does not exist yet")

    base_currency: str = Field("CNY", pattern=r"^[A-Z]{3}$", description="currency of tiers and totals (ISO 4217)")
    rates_path: Path | None = Field(None, description="JSON file {currency: {day: rate}} into the base currency")

    issuer: str | None = Field(None, max_length=500, description="`iss` that tokens must carry")
    audience: str = Field("tierflow", min_length=1, max_length=200, description="`aud` that tokens must carry")
    jwks: str | None = Field(None, max_length=500, description="file or https URL of the issuer's public keys")
    token_leeway_s: int = Field(30, ge=0, le=300, description="clock difference allowed between issuer and us")
    token_cache_size: int = Field(10_000, ge=1, le=1_000_000, description="verified tokens kept in memory")
    token_cache_s: int = Field(300, ge=1, le=3600, description="longest time a verified token is trusted unread")
    jwks_refetch_s: int = Field(30, ge=1, le=3600, description="shortest time between two fetches of the keys")
    jwks_max_age_s: int = Field(
        300, ge=1, le=86_400, description="keys are read again when they are so old; a removed key works no longer"
    )
    jwks_stale_s: int = Field(
        3600, ge=1, le=604_800, description="keys that cannot be read again are given up when they are so old"
    )
    jwks_timeout_s: float = Field(5.0, gt=0, le=60, description="limit of one fetch of the keys")

    max_request_bytes: int = Field(65_536, ge=1024, le=16_777_216, description="largest body of a request")
    max_batch_bytes: int = Field(1_048_576, ge=1024, le=67_108_864, description="largest body of an event batch")
    max_batch_events: int = Field(5_000, ge=1, le=100_000, description="most events in one batch")
    max_json_depth: int = Field(32, ge=4, le=200, description="deepest nesting of a JSON body")
    max_page_size: int = Field(200, ge=1, le=10_000, description="most items on one page")

    max_connections: int = Field(
        4_096, ge=8, le=1_000_000, description="open connections; the one that waits longest makes room for a new one"
    )
    head_timeout_s: float = Field(10.0, gt=0, le=300, description="longest time in which a request's head must arrive")
    body_timeout_s: float = Field(30.0, gt=0, le=3600, description="longest time in which a request's body must arrive")
    write_timeout_s: float = Field(30.0, gt=0, le=3600, description="how long a client may leave an answer unread")
    max_head_bytes: int = Field(32_768, ge=8_192, le=1_048_576, description="largest head of a request")
    client_rate: float = Field(
        5_000, ge=0, le=1_000_000, description="requests a second of one token subject to one process; 0: no limit"
    )
    client_ingest_rate: float = Field(
        0, ge=0, le=1_000_000, description="the same for requests that send events (a request may carry a batch)"
    )
    client_stranger_rate: float = Field(
        100, ge=0, le=1_000_000, description="requests a second without a valid token from one address; 0: no limit"
    )
    client_limit_clients: int = Field(
        10_000, ge=1, le=1_000_000, description="clients whose rates are remembered; the most silent is forgotten"
    )

    outbox_limit: int = Field(100_000, ge=1, description="messages waiting for the bus before requests get 429")
    outbox_batch: int = Field(2_000, ge=1, le=50_000, description="messages the relay publishes at once")
    outbox_sweep_s: float = Field(1.0, gt=0, le=60, description="how often the relay looks for what was left behind")
    poll_max_records: int = Field(100_000, ge=1, le=500_000, description="most messages of one poll, one transaction")
    transaction_s: float = Field(
        1.0, gt=0, le=30, description="how much work, in seconds, one transaction grows to when messages wait"
    )
    poll_timeout_s: float = Field(0.2, gt=0, le=30, description="how long one poll waits for messages")
    stalled_after_s: float = Field(30.0, gt=0, le=3600, description="no progress for so long means not live")
    idempotency_keep_s: int = Field(604_800, ge=60, description="how long answers to idempotency keys are kept")
    shutdown_timeout_s: float = Field(10.0, gt=0, le=300, description="limit for closing down in good order")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is logged")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(8000, description="port to listen on")

    @model_validator(mode="after")
    def _production_has_an_issuer(self) -> Self:
        if self.environment == "production" and not (self.issuer and self.jwks):
            raise ValueError("production needs TIERFLOW_ISSUER and TIERFLOW_JWKS of an external issuer")
        if self.jwks and self.jwks.startswith("http://"):
            raise ValueError("TIERFLOW_JWKS must be a file or an https URL")
        return self

    def database_url_for(self, service: str) -> str:
        """The database of a service: as set, else `<data_dir>/<service>.db`."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / service}.db"
        return self.database_url.replace("{service}", service.replace("-", "_"))

    @property
    def bus_file(self) -> Path:
        """The embedded log: as set, else `<data_dir>/log.db`."""
        return self.bus_path or self.data_dir / "log.db"

    @property
    def expected_issuer(self) -> str:
        """The issuer tokens must come from: as set, else our own embedded one."""
        return self.issuer or EMBEDDED_ISSUER
