"""A broker that the tests of one file may kill."""

from collections.abc import Iterator

import pytest

from tierflow_stack.kafka import KafkaBroker


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of these tests alone, which may kill it."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), heap_mb=256)
    yield broker
    broker.stop()


@pytest.fixture
def broker(own_broker: KafkaBroker) -> KafkaBroker:
    """The broker, running."""
    if own_broker.pid is None:
        own_broker.start()
    return own_broker
