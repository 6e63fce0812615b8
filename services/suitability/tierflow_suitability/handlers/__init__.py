"""Use cases: load, decide purely, keep. Each runs inside one transaction that its caller opens and commits."""
