"""A toy service with two steps in a folder of the test, and a program that runs them in a process of its own."""

from pathlib import Path

from sqlalchemy import MetaData

from tierflow_shared.clock import SystemClock
from tierflow_shared.store.database import Database

_FIRST = """
from alembic import op
import sqlalchemy as sa
revision: str = "toy_0001"
down_revision: str | None = None

def upgrade() -> None:
    op.create_table("first", sa.Column("number", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO first VALUES (7)")
"""
_SECOND = """
import os, signal, sys
from alembic import op
import sqlalchemy as sa
revision: str = "toy_0002"
down_revision: str | None = "toy_0001"

def upgrade() -> None:
    op.create_table("second", sa.Column("number", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO second SELECT number FROM first")
    if sys.argv[2] == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
"""
_RUN = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
from tests.integration.migrations.steps import opened
from tierflow_shared.store.migrations import Migrations, upgrade

one = opened(sys.argv[1])
upgrade(one, Migrations("toy_steps"), "1" if sys.argv[2] == "back" else "head")
one.close()
"""


def write(folder: Path) -> Path:
    """Makes the package and the program `run.py URL crash|go|back`; returns where."""
    root = Path(__file__).parents[3]
    package = folder / "toy_steps"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "r0001_first.py").write_text(_FIRST)
    (package / "r0002_second.py").write_text(_SECOND)
    (folder / "run.py").write_text(f"import sys\nsys.path.insert(0, {str(root)!r})\n{_RUN}")
    return folder


def opened(url: str) -> Database:
    return Database(url, MetaData(), service="toy", clock=SystemClock())
