"""`python -m tierflow_embedded.generate_files [--check]`: schemas, AsyncAPI and OpenAPI under docs/."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI

import tierflow_contact_planner.app
import tierflow_events.app
import tierflow_scoring.app
import tierflow_suitability.app
from tierflow_shared.generate import GeneratedFiles, asyncapi_document, event_schemas

_APPS: dict[str, Callable[[], FastAPI]] = {
    "events": tierflow_events.app.create_app,
    "scoring": tierflow_scoring.app.create_app,
    "contact-planner": tierflow_contact_planner.app.create_app,
    "suitability": tierflow_suitability.app.create_app,
}


def documents() -> dict[str, Any]:
    """Everything that is generated, by its path below the project's root."""
    found: dict[str, Any] = {f"docs/events/{name}.json": schema for name, schema in event_schemas().items()}
    found["docs/asyncapi/tierflow.json"] = asyncapi_document()
    for service, create_app in _APPS.items():
        found[f"docs/openapi/{service}.json"] = create_app().openapi()
    return found


def main(arguments: list[str]) -> int:
    """0 when the files on disk are (now) what the code gives."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TIERFLOW_DATA_DIR"] = scratch
        found = documents()
    return GeneratedFiles(Path.cwd(), found, ("docs/events", "docs/asyncapi", "docs/openapi")).run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
