"""The command `tierflow`."""

from tierflow_embedded.cli.main import app

__all__ = ["app"]
