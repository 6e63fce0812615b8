"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from tierflow_embedded.access import DEFAULT_DATA_DIR, Tokens
from tierflow_shared.web.client import ApiClient, Endpoints

DEFAULT_URL: Final = "http://127.0.0.1:8000"

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="TIERFLOW_DATA_DIR", help="Folder of the databases, the log and the keys."),
]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="TIERFLOW_URL",
        help="Where Tierflow listens; or one address per service: "
        "events=http://…:8001,scoring=http://…:8002,contact-planner=http://…:8003,suitability=http://…:8004",
    ),
]
GivenToken = Annotated[
    str,
    typer.Option(
        "--token", envvar="TIERFLOW_TOKEN", help="Bearer token. Without one, it is signed with the key in --data-dir."
    ),
]


def client_for(url: str, token: str, data_dir: Path, *, patience_s: float = 5.0) -> ApiClient:
    """A client for a running server, with the given token or one signed with the embedded key."""
    return ApiClient(Endpoints.parse(url), token or Tokens(data_dir).tool, patience_s=patience_s)


__all__ = ["DEFAULT_DATA_DIR", "DEFAULT_URL", "DataDir", "GivenToken", "Url", "client_for"]
