"""`make bench-stream`: one keyed job on one Kafka topic, by several engines in turn, each checked and measured alike."""
