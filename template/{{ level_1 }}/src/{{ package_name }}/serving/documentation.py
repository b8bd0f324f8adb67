# Managed by copier-mlops: an update merges with your edits.
"""The OpenAPI description, which knows the columns of the models and has an example to try."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .models import Models, Served

JSON_TYPES = {"FP64": "number", "INT64": "integer", "BOOL": "boolean", "BYTES": "string"}
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
    types = {name: JSON_TYPES[each.kind.datatype] for name, each in served.inputs.columns.items()}
    nullable = {name for name, each in served.inputs.columns.items() if not each.required}
    row = {
        "type": "object",
        "properties": {name: {"type": [kind, "null"] if name in nullable else kind} for name, kind in types.items()},
        "required": [name for name in types if name not in nullable],
        "additionalProperties": False,
    }
    return _object(rows={"type": "array", "items": row, "minItems": 1}), {"rows": served.example}


def _tensors(served: Served) -> tuple[Schema, Any]:
    tensor = _object(
        name={"enum": [*served.inputs.columns]},
        shape={"type": "array", "items": {"type": "integer"}},
        datatype={"type": "string"},
        data={"type": "array"},
    )
    example = [
        {
            "name": each.name,
            "shape": [len(served.example)],
            "datatype": each.kind.datatype,
            "data": [row[each.name] for row in served.example],
        }
        for each in served.inputs.columns.values()
    ]
    return _object(inputs={"type": "array", "items": tensor}), {"inputs": example}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties]}
