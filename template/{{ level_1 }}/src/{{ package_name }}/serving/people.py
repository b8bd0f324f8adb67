# Managed by copier-mlops: an update merges with your edits.
"""The format for people: rows that name their columns."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from .inference import Direct, Format, Inference
from .inputs import Columns
from .models import Served

DIGITS = 6  # of a probability


def router(inference: Inference) -> APIRouter:
    """Return the routes."""
    routes, rows = APIRouter(tags=["For people"], route_class=Direct), Format(read, write)

    @routes.post("/predict/{model}", response_model=None)
    @routes.post("/predict", response_model=None)
    async def predict(request: Request, model: str = inference.models.names[0]) -> Response:
        """Predict rows that name their columns, by the first model or the one that the path names."""
        return await inference.infer(request, model, None, rows)

    return routes


def read(body: bytes, served: Served, max_rows: int) -> tuple[Columns, dict[str, Any]]:
    """Return the columns of `rows`."""
    return served.inputs.of_rows(body, max_rows), {}


def write(_: dict[str, Any], served: Served, prediction: np.ndarray) -> dict[str, Any]:
    """Return a prediction for each row, with the probability of each class if there are classes."""
    classes = served.predictor.classes
    if classes is None:
        rows = [{"prediction": value} for value in prediction.tolist()]
    else:
        names, shown = [str(each) for each in classes], prediction.astype(float).round(DIGITS)
        rows = [
            {"prediction": classes[best], "probabilities": dict(zip(names, row, strict=True))}
            for best, row in zip(prediction.argmax(axis=1).tolist(), shown.tolist(), strict=True)
        ]
    return {"model": served.name, "version": served.version, "predictions": rows}
