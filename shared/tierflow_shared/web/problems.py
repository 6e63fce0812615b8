"""Problem details (RFC 9457): the one shape of every error over HTTP. Inputs are never repeated in it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

PROBLEM_JSON: Final = "application/problem+json"
_encode: Final = msgspec.json.Encoder().encode

FieldError = Mapping[str, str]

_TITLES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "Bad request"),
    401: ("unauthenticated", "No valid token"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    409: ("conflict", "Conflict"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Unsupported content type"),
    422: ("invalid", "Invalid input"),
    429: ("too-busy", "Too busy"),
    500: ("internal", "Internal error"),
    503: ("unavailable", "Not available now"),
}


class Problem(HTTPException):
    """An error on its way to the caller.

    Args:
        status: HTTP status.
        code: stable word for programs; `type` becomes `urn:tierflow:problem:<code>`.
        title: short and the same for each use of `code`.
        detail: what is wrong here, without personal data or the caller's input.
        field, rule: the field that is wrong ("body.amount.value", "header.idempotency-key") and the rule it breaks.
        errors: several fields at once, each `{"field", "rule", "message"}`; instead of `field` and `rule`.
        headers: extra response headers.
        extra: extension members of the problem object.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=detail, headers=headers)
        self.code, self.title, self.extra = code, title, extra or {}
        self.errors: list[FieldError] = list(errors)
        if field is not None:
            self.errors.append({"field": field, "rule": rule or code, "message": detail})


_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}|[0-9]{1,9}")
UNKNOWN_NAME: Final = "(unknown field)"


def shown_name(name: object) -> str:
    """A field's name as a problem may repeat it. Anything that is no identifier may be a value in the wrong place."""
    text = str(name)
    return text if _IDENTIFIER.fullmatch(text) else UNKNOWN_NAME


def not_found(what: str) -> Problem:
    """404: `what` ("customer", "sale") is unknown, or not the caller's to see; the two look alike."""
    return Problem(404, "not-found", "Not found", f"no such {what}")


def conflict(detail: str, *, code: str = "conflict", field: str | None = None, rule: str | None = None) -> Problem:
    """409: the request does not fit the present state."""
    return Problem(409, code, "Conflict", detail, field=field, rule=rule)


def invalid(field: str, rule: str, message: str) -> Problem:
    """422: one field breaks one rule."""
    return Problem(422, "invalid", "Invalid input", message, field=field, rule=rule)


def forbidden(detail: str, *, rule: str = "forbidden") -> Problem:
    """403: the caller is known and may not do this."""
    return Problem(403, "forbidden", "Not allowed", detail, field="caller", rule=rule)


def unavailable(detail: str, *, retry_after_s: int = 1, extra: Mapping[str, Any] | None = None) -> Problem:
    """503: something this needs is down; nothing was done unless `extra` says so."""
    headers = {"Retry-After": str(retry_after_s)}
    return Problem(503, "unavailable", "Not available now", detail, headers=headers, extra=extra)


def for_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The plain problem of a status, for errors that the framework raises itself."""
    code, title = _TITLES.get(status, ("error", "Error"))
    return Problem(status, code, title, title.lower(), headers=headers)


def problem_response(problem: Problem, instance: str = "") -> Response:
    """The response of a problem; `instance` is the trace id, by which the logs can be found."""
    body: dict[str, Any] = {
        "type": f"urn:tierflow:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status_code,
        "detail": problem.detail,
        "code": problem.code,
        "errors": problem.errors,
    }
    if instance:
        body["instance"] = f"urn:tierflow:trace:{instance}"
    body.update(problem.extra)
    headers = {"Cache-Control": "no-store", **(problem.headers or {})}
    return Response(_encode(body), problem.status_code, headers, PROBLEM_JSON)
