"""A database that takes nothing is not the caller's fault: 503 and when to try again, never 500."""

import sqlite3

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from tierflow_shared.web.errors import install_error_handlers

pytestmark = pytest.mark.anyio


async def test_a_full_disk_is_answered_with_503_and_without_the_statement() -> None:
    """The statement and its values stay inside."""
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/full")
    async def full() -> None:
        raise OperationalError(
            "INSERT secret", {"name": "secret"}, sqlite3.OperationalError("database or disk is full")
        )

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/full")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "unavailable"
    assert "secret" not in answer.text
