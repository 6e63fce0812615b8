"""The OpenAPI document of a service: bearer tokens, the scope of every route, one problem shape for all errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tierflow_shared.web.models import ProblemDocument
from tierflow_shared.web.problems import PROBLEM_JSON
from tierflow_shared.web.routes_check import api_routes, required_scope
from tierflow_shared.web.scopes import DESCRIPTIONS

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the bank's issuer, with scopes. Embedded: `tierflow token --subject … --scope …`",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document; the same for the same code, so that it can be committed and compared."""
    result = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.router.routes)
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDocument"] = problem
    components["securitySchemes"] = {"bearer": _BEARER}
    components["responses"] = {"Problem": _problem_response()}
    for route in api_routes(app):
        for method in route.methods or ():
            operation = result["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _declare(operation, required_scope(route))
    components["schemas"] = dict(sorted(schemas.items()))
    return result


def _problem_response() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": "What is wrong, field by field", "content": {PROBLEM_JSON: {"schema": schema}}}


def _declare(operation: dict[str, Any], scope: str | None) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for status, answer in responses.items():
        content = answer.get("content", {})
        if status >= "400" and "application/json" in content:
            content[PROBLEM_JSON] = content.pop("application/json")
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    operation["security"] = [] if scope is None else [{"bearer": [scope]}]
    if scope is not None:
        operation["x-scope"] = {"name": scope, "allows": DESCRIPTIONS[scope]}
