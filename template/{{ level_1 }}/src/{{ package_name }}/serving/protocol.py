# Managed by copier-mlops: an update merges with your edits.
"""The Open Inference Protocol, version 2: https://github.com/kserve/open-inference-protocol."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from .inference import Direct, Format, Inference
from .inputs import PROTOCOL, Columns, RequestError, Tensor, checked
from .models import Served

DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}  # of a class


def router(inference: Inference) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], route_class=Direct)
    models, answer, by_tensors = inference.models, inference.answer, Format(read, write)

    @routes.get("", response_model=None)
    async def server(_: Request) -> Response:
        """Describe the server."""
        return answer({"name": ", ".join(models.names), "version": "1", "extensions": []})

    @routes.get("/health/live", response_model=None)
    async def live(_: Request) -> Response:
        """Tell that the server runs."""
        return answer({"live": True})

    @routes.get("/health/ready", response_model=None)
    async def ready(_: Request) -> Response:
        """Tell whether requests are welcome: every model is there, and the server does not stop."""
        if models.ready:
            return answer({"ready": True})
        problems = [models.none_yet(name) for name in models.missing] or ["the server stops"]
        return answer({"ready": False, "error": "; ".join(problems)}, 503)

    @routes.get("/models/{name}", response_model=None)
    @routes.get("/models/{name}/versions/{version}", response_model=None)
    async def describe(_: Request, name: str, version: str | None = None) -> Response:
        """Describe the inputs and outputs of a model."""
        try:
            return answer(metadata(models.get(name, version)))
        except RequestError as error:
            return inference.refuse(error)

    @routes.get("/models/{name}/ready", response_model=None)
    @routes.get("/models/{name}/versions/{version}/ready", response_model=None)
    async def model_ready(_: Request, name: str, version: str | None = None) -> Response:
        """Tell whether a model can answer."""
        try:
            return answer({"name": models.get(name, version).name, "ready": True})
        except RequestError as error:
            return inference.refuse(error)

    @routes.post("/models/{name}/infer", response_model=None)
    @routes.post("/models/{name}/versions/{version}/infer", response_model=None)
    async def infer(request: Request, name: str, version: str | None = None) -> Response:
        """Predict tensors, one for each column."""
        return await inference.infer(request, name, version, by_tensors)

    return routes


def read(body: bytes, served: Served, max_rows: int) -> tuple[Columns, dict[str, Any]]:
    """Return the columns of `inputs`, and the request."""
    content = checked(PROTOCOL.validate_json, body)
    return served.inputs.of_tensors(content["inputs"], max_rows), content


def write(content: dict[str, Any], served: Served, prediction: np.ndarray) -> dict[str, Any]:
    """Return predictions as tensors, those that were asked for if some were.

    Raises:
        RequestError: the request asks for an output that there is not.
    """
    found = {tensor["name"]: tensor for tensor in tensors(served.predictor.classes, prediction)}
    wanted = [output["name"] for output in content.get("outputs") or found.values()]
    if unknown := [name for name in wanted if name not in [*found]]:
        raise RequestError(422, f"{unknown[0]}: the model has no such output; it has {', '.join(found)}")
    answer = {"model_name": served.name, "model_version": served.version, "outputs": [found[name] for name in wanted]}
    return answer | ({"id": content["id"]} if "id" in content else {})


def tensors(classes: list[Any] | None, prediction: np.ndarray) -> list[Tensor]:
    """Return the outputs: for classes the likeliest and all probabilities, otherwise the number."""
    datatype = f"FP{prediction.itemsize * 8}"
    values = {"shape": [*prediction.shape], "datatype": datatype, "data": prediction.ravel()}
    if classes is None:
        return [{"name": "prediction", **values}]
    likeliest = [classes[best] for best in prediction.argmax(axis=1)]
    label = {"name": "label", "shape": [len(likeliest)], "datatype": DATATYPES[type(classes[0])], "data": likeliest}
    return [label, {"name": "probabilities", **values}]


def metadata(served: Served) -> dict[str, Any]:
    """Return the inputs and outputs of a model; -1 stands for any number of rows."""
    classes, columns = served.predictor.classes, served.inputs.columns.values()
    shape = (1,) if classes is None else (1, len(classes))
    outputs = tensors(classes, np.zeros(shape, np.float32 if served.predictor.path == "onnx" else np.float64))
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": served.predictor.path,
        "inputs": [{"name": each.name, "datatype": each.kind.datatype, "shape": [-1]} for each in columns],
        "outputs": [
            {"name": each["name"], "datatype": each["datatype"], "shape": [-1, *each["shape"][1:]]} for each in outputs
        ],
    }
