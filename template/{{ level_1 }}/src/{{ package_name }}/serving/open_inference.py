# Managed by copier-mlops: an update merges with your edits.
"""The Open Inference Protocol, version 2: https://github.com/kserve/open-inference-protocol."""

import struct
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .handler import ApiFormat, Headers, Inference
from .loader import LoadedModel
from .schema import PROTOCOL, VALUE_TYPES, RequestError, Tensor, validate_json

MAX_DIGITS = 12  # of the length of JSON
DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}  # of a class
BINARY = {  # NumPy's types of binary tensors
    **{
        f"{kind}{bits}": f"<{letter}{bits // 8}"
        for kind, letter in (("INT", "i"), ("UINT", "u"))
        for bits in (8, 16, 32, 64)
    },
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BOOL": "?",
}


def routes(inference: Inference) -> list[Route]:
    """Return the routes."""
    models, respond = inference.models, inference.respond

    async def server(_: Request) -> Response:
        """Server metadata."""
        return respond({"name": ", ".join(models.names), "version": "1", "extensions": []})

    async def live(_: Request) -> Response:
        """Liveness: the server runs."""
        return respond({"live": True})

    async def ready(_: Request) -> Response:
        """Readiness: every model is loaded, and the server is not stopping."""
        if models.ready:
            return respond({"ready": True})
        problems = [models.not_loaded(name) for name in models.missing] or ["the server is stopping"]
        return respond({"ready": False, "error": "; ".join(problems)}, 503)

    async def describe(request: Request) -> Response:
        """Model metadata: its inputs and outputs."""
        model = models.get(**request.path_params)
        return respond(metadata(model, models.versions(model.name)))

    async def model_ready(request: Request) -> Response:
        """Model readiness."""
        return respond({"name": models.get(**request.path_params).name, "ready": True})

    async def infer(request: Request) -> Response:
        """Predict tensors, one for each column."""
        return await inference.infer(request, format=TENSORS, **request.path_params)

    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    return [
        *(Route(f"{path}/infer", infer, methods=["POST"]) for path in (model, version)),
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        *(Route(path, describe) for path in (model, version)),
        *(Route(f"{path}/ready", model_ready) for path in (model, version)),
    ]


def decode(body: bytes, headers: Headers) -> Any:
    """Return a request, with the data of binary tensors, which follow the JSON.

    Raises:
        RequestError: it is invalid.
    """
    if (header := headers.get(b"inference-header-content-length")) is None:
        return validate_json(PROTOCOL, body)
    length = header.decode("latin-1")
    if not length.isdecimal() or len(length) > MAX_DIGITS or int(length) > len(body):
        raise RequestError(400, f"Inference-Header-Content-Length: {length} is not the length of JSON in this body")
    content, binary = validate_json(PROTOCOL, body[: int(length)]), memoryview(body)[int(length) :]
    for tensor in content["inputs"]:
        if (size := (tensor.get("parameters") or {}).get("binary_data_size")) is not None:
            if not isinstance(size, int) or not 0 <= size <= len(binary):
                raise RequestError(400, f"{tensor['name']}: binary_data_size {size} is not in this body")
            tensor["data"], binary = unpack(tensor, binary[:size]), binary[size:]
    return content


def unpack(tensor: Tensor, binary: memoryview) -> list[Any]:
    """Return the values of a binary tensor.

    Raises:
        RequestError: the bytes are not values of its datatype.
    """
    datatype, texts = tensor["datatype"], []
    try:
        if datatype != "BYTES":
            return np.frombuffer(binary, BINARY[datatype]).tolist()
        while binary:
            (size,) = struct.unpack_from("<I", binary)
            if size > len(binary) - 4:
                raise ValueError("the last text is incomplete")
            texts.append(str(binary[4 : 4 + size], "utf-8"))
            binary = binary[4 + size :]
        return texts
    except (KeyError, ValueError, struct.error) as error:
        raise RequestError(400, f"{tensor['name']}: the binary data are no values of type {datatype}") from error


def entity(content: dict[str, Any]) -> str | None:
    """Return `parameters.entity_id` of a request."""
    parameters = content.get("parameters")
    found = parameters.get("entity_id") if isinstance(parameters, dict) else None
    return None if found is None else str(found)


def encode(content: dict[str, Any], model: LoadedModel, prediction: np.ndarray, variant: str | None) -> dict[str, Any]:
    """Return predictions as tensors: all outputs, or those that the request names.

    Raises:
        RequestError: the request names an unknown output.
    """
    found = {tensor["name"]: tensor for tensor in tensors(model.predictor.classes, prediction)}
    wanted = dict.fromkeys(output["name"] for output in content.get("outputs") or found.values())
    if unknown := [name for name in wanted if name not in found]:
        raise RequestError(422, f"{unknown[0]}: the model has no such output; it has {', '.join(found)}")
    response = {"model_name": model.name, "model_version": model.version, "outputs": [found[name] for name in wanted]}
    extra = {"parameters": {"variant": variant}} if variant else {}
    return response | extra | ({"id": content["id"]} if content.get("id") is not None else {})


def tensors(classes: list[Any] | None, prediction: np.ndarray) -> list[Tensor]:
    """Return the outputs: for classes the most probable one and all probabilities, else the number."""
    datatype = f"FP{prediction.itemsize * 8}"
    values = {"shape": [*prediction.shape], "datatype": datatype, "data": prediction.ravel()}
    if classes is None:
        return [{"name": "prediction", **values}]
    labels = [classes[best] for best in prediction.argmax(axis=1)]
    label = {"name": "label", "shape": [len(labels)], "datatype": DATATYPES[type(classes[0])], "data": labels}
    return [label, {"name": "probabilities", **values}]


def metadata(model: LoadedModel, versions: list[str]) -> dict[str, Any]:
    """Return the inputs and outputs of a model; -1 stands for any number of rows."""
    classes, columns = model.predictor.classes, model.inputs.columns.values()
    shape = (1,) if classes is None else (1, len(classes))
    outputs = tensors(classes, np.zeros(shape, np.float32 if model.predictor.path == "onnx" else np.float64))
    return {
        "name": model.name,
        "versions": versions,
        "platform": model.predictor.path,
        "inputs": [{"name": each.name, "datatype": VALUE_TYPES[each.type].datatype, "shape": [-1]} for each in columns],
        "outputs": [
            {"name": each["name"], "datatype": each["datatype"], "shape": [-1, *each["shape"][1:]]} for each in outputs
        ],
    }


TENSORS = ApiFormat(
    decode=decode,
    columns=lambda content, model, max_rows: model.inputs.of_tensors(content["inputs"], max_rows),
    encode=encode,
    entity=entity,
)
