"""`python -m tierflow_embedded` is the command `tierflow`."""

from tierflow_embedded.cli import app

app(prog_name="tierflow")
