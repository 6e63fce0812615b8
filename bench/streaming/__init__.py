"""`make bench-stream`: one keyed job on one Kafka topic, by several engines in turn, all checked and timed alike."""
