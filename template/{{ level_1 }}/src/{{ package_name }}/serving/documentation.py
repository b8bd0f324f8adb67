# Managed by copier-mlops: an update merges with your edits.
"""The OpenAPI description, which knows the columns of the models and has an example to try."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import GenerateJsonSchema

from .inputs import TENSORS
from .models import Models, Served

RESPONSES = {
    "200": {"description": "The answer"},
    "default": {"description": 'What is wrong, in a line: `{"error": "…"}`'},
}
Schema = dict[str, Any]


def openapi(app: FastAPI, models: Models) -> Schema:
    """Return the description of the application, as the models are now."""
    described = get_openapi(title=app.title, version=app.version, routes=app.routes)
    there = [served for name in models.names if (served := models.find(name))]
    described.pop("components", None)  # FastAPI's own errors, which this server does not answer with
    for path, operations in described["paths"].items():
        for operation in operations.values():
            operation["responses"] = RESPONSES
            operation["parameters"] = [each for each in operation.get("parameters", []) if each["in"] == "path"]
        if "post" in operations:
            request = _rows if path.startswith("/predict") else _tensors
            operations["post"]["requestBody"] = _body({served.name: request(served) for served in there})
    return described


def _body(requests: dict[str, tuple[Schema, Any]]) -> Schema:
    """Return what a request may hold, and an example, for each model."""
    schemas = [{"title": name, **schema} for name, (schema, _) in requests.items()]
    examples = {name: {"value": example} for name, (_, example) in requests.items()}
    return {"required": True, "content": {"application/json": {"schema": {"anyOf": schemas}, "examples": examples}}}


def _rows(served: Served) -> tuple[Schema, Any]:
    return GenerateJsonSchema().generate(served.inputs.rows_schema), {"rows": served.example}


def _tensors(served: Served) -> tuple[Schema, Any]:
    example = [
        {
            "name": each.name,
            "shape": [len(served.example)],
            "datatype": each.kind.datatype,
            "data": [row[each.name] for row in served.example],
        }
        for each in served.inputs.columns.values()
    ]
    return GenerateJsonSchema().generate(TENSORS), {"inputs": example}
