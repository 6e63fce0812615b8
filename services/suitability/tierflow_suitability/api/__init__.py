"""HTTP: parse, hand over, answer."""
