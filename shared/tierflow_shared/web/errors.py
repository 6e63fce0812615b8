"""One table from errors to problems: what the framework, the models and the handlers raise, as problem details."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from tierflow_shared.logs import trace_id
from tierflow_shared.store.engine import UNAVAILABLE, driver_words
from tierflow_shared.web.problems import FieldError, Problem, for_status, problem_response, unavailable

_log = structlog.get_logger("tierflow.web")
MAX_ERRORS: Final = 20
METHOD_NOT_ALLOWED: Final = 405
# Pydantic's words for rules that have a name of their own here.
_RULES: Final[Mapping[str, str]] = {
    "extra_forbidden": "unknown-field",
    "missing": "required",
    "json_invalid": "json",
    "finite_number": "finite-number",
    "string_pattern_mismatch": "pattern",
    "string_too_long": "max-length",
    "string_too_short": "min-length",
    "string_unicode": "utf-8",
}


def install_error_handlers(app: FastAPI) -> None:
    """Every error of this app becomes a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    for error in UNAVAILABLE:
        app.add_exception_handler(error, _database_down)


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, trace_id.get())


async def _framework_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {"Allow": _allowed(request)} if error.status_code == METHOD_NOT_ALLOWED else error.headers
    return problem_response(for_status(error.status_code, headers), trace_id.get())


def _allowed(request: Request) -> str:
    """The methods of all routes that this path leads to; a path without parameters goes before one with them."""
    found = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    exact = [route for route in found if route.path == request.scope["path"]]
    return ", ".join(sorted({method for route in exact or found for method in route.methods or ()}))


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(validation_problem(error.errors()), trace_id.get())


async def _database_down(_request: Request, error: Exception) -> Response:
    problem = database_problem(error)
    assert problem is not None
    return problem_response(problem, trace_id.get())


def database_problem(error: Exception) -> Problem | None:
    """503 for a database that is locked, full or gone, None for any other error.

    The caller did nothing wrong, and everything here is safe to send again.
    """
    if not isinstance(error, UNAVAILABLE):
        return None
    _log.warning("a database takes nothing", detail=driver_words(error))
    return unavailable("a database does not answer; send it again")


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """422 with a line for each field; 400 when the body is not JSON at all."""
    lines = [_line(error) for error in errors[:MAX_ERRORS]]
    if lines and lines[0]["rule"] == "json":
        return Problem(400, "malformed-json", "Malformed JSON", "the body is not valid JSON", errors=lines[:1])
    detail = f"{lines[0]['field']}: {lines[0]['message']}" if lines else "the input is not valid"
    return Problem(422, "invalid", "Invalid input", detail, errors=lines)


def _line(error: Mapping[str, Any]) -> FieldError:
    kind = str(error.get("type", "invalid"))
    context = error.get("ctx") or {}
    parts = [_clean(part) for part in error.get("loc", ())]
    if context.get("field"):
        parts.append(_clean(context["field"]))
    if kind == "json_invalid":
        return {"field": "body", "rule": "json", "message": "not valid JSON (RFC 8259) in UTF-8"}
    return {
        "field": ".".join(parts) or "body",
        "rule": _RULES.get(kind, kind.replace("_", "-")),
        "message": str(error.get("msg", "invalid")),
    }


def _clean(part: object) -> str:
    return "".join(character for character in str(part) if character.isprintable())[:64]
