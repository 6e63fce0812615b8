"""The bus in one SQLite file: the embedded default, also for several processes on one machine."""

from tierflow_shared.bus.sqlite.bus import SqliteBus

__all__ = ["SqliteBus"]
