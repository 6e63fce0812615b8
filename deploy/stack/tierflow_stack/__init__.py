"""Real Kafka and PostgreSQL on one machine, for tests, benches and make up."""
