"""The production shape on one machine: real Kafka and PostgreSQL (also for tests and benches) and the services."""
