"""Measurements beside a limit or a peer in the same run. `python -m bench` runs all; names after it pick some."""
