"""Pure decisions: features from daily buckets, latches, tier paths. No I/O, no clock, no framework."""
