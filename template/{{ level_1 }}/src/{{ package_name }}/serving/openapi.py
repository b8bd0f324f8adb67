# Managed by copier-mlops: an update merges with your edits.
"""The OpenAPI document, with the columns of the loaded models and an example to try, and the page that shows it."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema
from starlette.routing import BaseRoute, Route

from .loader import LoadedModel, Models
from .schema import INFERENCE_REQUEST, VALUE_TYPES

RESPONSES = {
    "200": {"description": "The result"},
    "default": {"description": 'What is wrong, in one line: `{"error": "…"}`'},
}
# Swagger UI; the paths are relative, so that a proxy may add a prefix.
PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Model server</title>
<link rel="stylesheet" href="docs-assets/swagger-ui.css">
<link rel="icon" href="docs-assets/favicon.png">
<div id="swagger-ui"></div>
<script src="docs-assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui"})</script>
"""
ROW_API, OPEN_INFERENCE = "Row API", "Open Inference Protocol"  # tags
Schema = dict[str, Any]


def openapi(routes: Mapping[str, Iterable[BaseRoute]], models: Models) -> Schema:
    """Return the document for routes by tag, as the models are now."""
    loaded = models.defaults
    bodies = {
        ROW_API: _body({one.name: (one.inputs.row_request, {"rows": one.example}) for one in loaded}),
        OPEN_INFERENCE: _body({one.name: (INFERENCE_REQUEST, {"inputs": _tensors(one)}) for one in loaded}),
    }
    paths: dict[str, Schema] = {}
    for tag, group in routes.items():
        for route in group:
            if isinstance(route, Route) and route.include_in_schema:
                paths.setdefault(route.path_format, {}).update(_operations(route, tag, bodies))
    return {"openapi": "3.1.0", "info": {"title": ", ".join(models.names), "version": "1"}, "paths": paths}


def _operations(route: Route, tag: str, bodies: Mapping[str, Schema]) -> Schema:
    summary, _, description = inspect.cleandoc(route.endpoint.__doc__ or route.name).partition("\n")
    operation: Schema = {
        "tags": [tag],
        "summary": summary.rstrip("."),
        "description": description.strip(),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in route.param_convertors
        ],
        "responses": RESPONSES,
    }
    methods = {method.lower() for method in route.methods or ["GET"]} - {"head"}
    if "post" in methods and tag in bodies:
        operation["requestBody"] = bodies[tag]
    return dict.fromkeys(methods, operation)


def _body(requests: dict[str, tuple[CoreSchema, Schema]]) -> Schema:
    """Return what a request may hold, and an example, for each model."""
    schemas = [{"title": name, **GenerateJsonSchema().generate(schema)} for name, (schema, _) in requests.items()]
    examples = {name: {"value": example} for name, (_, example) in requests.items()}
    schema = {"anyOf": schemas} if schemas else {"type": "object"}  # without a model the columns are not known
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _tensors(model: LoadedModel) -> list[Schema]:
    return [
        {
            "name": each.name,
            "shape": [len(model.example)],
            "datatype": VALUE_TYPES[each.type].datatype,
            "data": [row[each.name] for row in model.example],
        }
        for each in model.inputs.columns.values()
    ]
