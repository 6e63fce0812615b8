"""A synthetic bank by seed: any size, any span of days, one ordered stream of events."""
