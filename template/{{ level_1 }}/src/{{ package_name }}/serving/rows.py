# Managed by copier-mlops: an update merges with your edits.
"""The Row API: JSON records by column name."""

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .handler import ApiFormat, Inference
from .loader import LoadedModel

DIGITS = 6  # of a probability


def routes(inference: Inference) -> list[Route]:
    """Return the routes."""

    async def predict(request: Request) -> Response:
        """Predict rows that name their columns, by the first model or by the one in the path."""
        return await inference.infer(request, request.path_params.get("model", inference.models.names[0]), ROWS)

    return [Route(path, predict, methods=["POST"]) for path in ("/predict", "/predict/{model}")]


def encode(_: bytes, model: LoadedModel, prediction: np.ndarray, variant: str | None) -> dict[str, Any]:
    """Return a prediction for each row, with the probability of each class if there are classes."""
    classes = model.predictor.classes
    if classes is None:
        rows = [{"prediction": value} for value in prediction.tolist()]
    else:
        names, rounded = [str(each) for each in classes], prediction.astype(float).round(DIGITS)
        rows = [
            {"prediction": classes[best], "probabilities": dict(zip(names, row, strict=True))}
            for best, row in zip(prediction.argmax(axis=1).tolist(), rounded.tolist(), strict=True)
        ]
    served = {"model": model.name, "version": model.version} | ({"variant": variant} if variant else {})
    return {**served, "predictions": rows}


ROWS = ApiFormat(
    decode=lambda body, _: body,  # decoded and validated in one step, against the columns of the model
    columns=lambda body, model, max_rows: model.inputs.of_rows(body, max_rows),
    encode=encode,
)
