"""HTTP: parse, ask, answer."""
