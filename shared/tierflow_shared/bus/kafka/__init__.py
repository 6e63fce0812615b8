"""The bus on Kafka: the production shape."""

from tierflow_shared.bus.kafka.bus import KafkaBus
from tierflow_shared.bus.kafka.options import KafkaOptions

__all__ = ["KafkaBus", "KafkaOptions"]
