"""The production shape: four processes on a real Kafka and a real PostgreSQL, each behind a proxy that can be cut."""

import asyncio
import logging
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tests.chaos.poison import TOPIC, Poison
from tests.chaos.proxies import Proxies, program
from tests.chaos.reading import TOPICS, Entry, Place, Source
from tests.chaos.shapes import LEASE_S, PoisonWriter, SmallDisk
from tests.chaos.stack import SERVICES, StackError
from tierflow_shared.bus.port import BusUnavailableError
from tierflow_stack.free_ports import free_port
from tierflow_stack.kafka import KafkaBroker
from tierflow_stack.postgres import DURABLE, Cluster, PostgresError

_Answer = TypeVar("_Answer")
PARTITIONS: Final = 4
_ASK_S: Final = 15.0
_DATABASES: Final = {name: f"tierflow_{name.replace('-', '_')}" for name in SERVICES}
# What lies between two checkpoints is replayed after a crash: this bounds the time it takes.
_QUICK_RECOVERY: Final = {"max_wal_size": "256MB", "checkpoint_timeout": "30s"}
_KILL_BACKENDS: Final = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname LIKE 'tierflow%' AND pid <> pg_backend_pid()"""


class ProductionSource:
    """PostgreSQL and Kafka, reached directly and not through the proxies."""

    def __init__(self, cluster: Cluster, bootstrap: str) -> None:
        self._cluster, self._bootstrap = cluster, bootstrap
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="looking", daemon=True)
        self._thread.start()
        self._consumer: AIOKafkaConsumer | None = None

    def rows(self, service: str, query: str) -> Sequence[tuple[Any, ...]]:
        url = self._cluster.url(_DATABASES[service]).replace("+psycopg", "")
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def _ask(self, work: Coroutine[Any, Any, _Answer], limit_s: float) -> _Answer:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout=limit_s)
        except TimeoutError:
            future.cancel()
            raise

    def ends(self) -> Mapping[Place, int]:
        return self._ask(self._ends(), _ASK_S)

    async def _ends(self) -> Mapping[Place, int]:
        consumer = self._consumer
        if consumer is None:
            consumer = self._new_consumer()
            await consumer.start()
            self._consumer = consumer
        places = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        return {(here.topic, here.partition): end for here, end in ends.items()}

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            request_timeout_ms=10_000, metadata_max_age_ms=5_000, max_partition_fetch_bytes=8 << 20,
        )  # fmt: skip

    def log(self, topic: str) -> Iterator[Entry]:
        ends = {place: end for place, end in self.ends().items() if place[0] == topic}
        consumer = self._ask(self._open(list(ends)), 60.0)
        try:
            left = {place for place, end in ends.items() if end > 0}
            while left:
                for one in self._ask(self._some(consumer), 60.0):
                    yield one
                    if one.offset + 1 >= ends[one.topic, one.partition]:
                        left.discard((one.topic, one.partition))
        finally:
            self._ask(consumer.stop(), 60.0)

    async def _open(self, places: Sequence[Place]) -> AIOKafkaConsumer:
        consumer = self._new_consumer()
        await consumer.start()
        consumer.assign([TopicPartition(*place) for place in places])
        await consumer.seek_to_beginning()
        return consumer

    async def _some(self, consumer: AIOKafkaConsumer) -> list[Entry]:
        found = await consumer.getmany(timeout_ms=1000, max_records=20_000)
        return [
            Entry(here.topic, here.partition, one.offset, (one.key or b"").decode("utf-8", "replace"),
                  {name: value or b"" for name, value in one.headers}, one.value or b"")
            for here, messages in found.items()
            for one in messages
        ]  # fmt: skip

    def close(self) -> None:
        if self._consumer is not None:
            self._ask(self._consumer.stop(), 60.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


class KafkaPoisonWriter:
    """Onto the topic, as a careless program of the bank would."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def write(self, poisons: Sequence[Poison]) -> None:
        try:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", request_timeout_ms=5_000)
                await producer.start()
                self._producer = producer
            for one in poisons:
                await self._producer.send_and_wait(TOPIC, one.value, one.key.encode(), headers=list(one.headers))
        except KafkaError as error:
            raise BusUnavailableError(str(error)) from error

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()


class ProductionShape:
    """Four processes on Kafka and PostgreSQL of our own."""

    name = "production"
    errors: tuple[type[Exception], ...] = (psycopg.Error, KafkaError, TimeoutError, PostgresError)

    def __init__(self, folder: Path, *, disk_megabytes: int) -> None:
        self._folder = folder
        self._disk = SmallDisk(folder / "postgres", folder / "disk.img", disk_megabytes)
        self.left_out: dict[str, str] = {}
        self._ports = {"kafka": free_port(), "postgresql": free_port()}
        self._behind, self._direct, self._controller = free_port(), free_port(), free_port()
        self._proxies: Proxies | None = None
        self._broker: KafkaBroker | None = None
        self._cluster: Cluster | None = None
        self._source: ProductionSource | None = None

    @property
    def source(self) -> Source:
        assert self._source is not None, "not started"
        return self._source

    def start(self) -> None:
        for name in ("kafka", "postgres"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
        server = program()
        if server is None:
            self.left_out.update(dict.fromkeys(("cut", "slow"), "Toxiproxy needs Go to be built"))
        reason = self._disk.mount()
        if reason:
            self.left_out["disk-full"] = reason
        self._disk.folder.chmod(0o755)
        self._cluster = Cluster(self._disk.folder, settings={**DURABLE, **_QUICK_RECOVERY})
        self._cluster.start()
        for name in _DATABASES.values():
            self._cluster.create_database(name)
        if server is not None:
            self._proxies = Proxies(server, self._folder / "logs" / "toxiproxy.log")
            behind = {"kafka": self._behind, "postgresql": self._cluster.port}
            self._proxies.start({name: (port, behind[name]) for name, port in self._ports.items()})
        self._broker = KafkaBroker(self._folder / "kafka", port=self._direct, settings=self._listeners())
        self._broker.start()
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of each attempt; the broker is meant to die
        self._source = ProductionSource(self._cluster, f"127.0.0.1:{self._direct}")

    def _listeners(self) -> dict[str, str]:
        """The proxied listener tells clients the proxy's address; ours tells its own."""
        own = f"PLAINTEXT://127.0.0.1:{self._direct},CONTROLLER://127.0.0.1:{self._controller}"
        shown = self._ports["kafka"] if self._proxies else self._behind
        return {
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self._controller}",
            "listeners": f"{own},PROXIED://127.0.0.1:{self._behind}",
            "advertised.listeners": f"{own},PROXIED://127.0.0.1:{shown}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        }

    def stop(self) -> None:
        if self._source is not None:
            self._source.close()
        if self._broker is not None:
            self._broker.kill()
        if self._proxies is not None:
            self._proxies.stop()
        if self._cluster is not None:
            self._cluster.kill()
        self._disk.unmount()
        for name in ("kafka", "postgres", "data"):
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        assert self._cluster is not None
        url = self._cluster.url("tierflow_{service}")
        kafka = self._behind
        if self._proxies is not None:
            url = url.replace(f":{self._cluster.port}/", f":{self._ports['postgresql']}/")
            kafka = self._ports["kafka"]
        common = {
            "TIERFLOW_DATABASE_URL": url,
            "TIERFLOW_KAFKA_BOOTSTRAP": f"127.0.0.1:{kafka}",
            "TIERFLOW_KAFKA_SESSION_TIMEOUT_S": str(LEASE_S),
            "TIERFLOW_KAFKA_HEARTBEAT_S": "1",
            "TIERFLOW_PARTITIONS": str(PARTITIONS),
        }
        return dict.fromkeys(SERVICES, common)

    def writer(self) -> PoisonWriter:
        return KafkaPoisonWriter(f"127.0.0.1:{self._direct}")

    def fill_disk(self) -> Callable[[], None]:
        give_back = self._disk.fill()

        def end() -> None:
            give_back()
            self._start_postgres()

        return end

    def _start_postgres(self) -> None:
        assert self._cluster is not None
        self._cluster.start()

    def inject(self, kind: str, target: str) -> Callable[[], None]:
        assert self._cluster is not None
        assert self._broker is not None
        match kind:
            case "broker-kill":
                self._broker.kill()
                return self._broker.start
            case "postgres-immediate":
                self._cluster.crash()
                return self._start_postgres
            case "backends-killed":
                with psycopg.connect(self._cluster.url("postgres").replace("+psycopg", "")) as connection:
                    connection.execute(_KILL_BACKENDS)
                return lambda: None
            case "cut" | "slow" if self._proxies is not None:
                return self._proxies.cut(target) if kind == "cut" else self._proxies.slow(target)
            case _:
                raise StackError(f"there is no {kind} of {target} here")
