"""HTTP: parse, call a use case, show the answer."""
