# Managed by copier-mlops: an update merges with your edits.
"""Adds `POST /explain`: how much each column of a row contributed to its prediction. It has one thread of its own."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from pydantic import PositiveFloat, PositiveInt
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...core.errors import UserError
from ...core.explanations import PERMUTATION, REPORT, Explainer
from ...core.settings import Settings
from ...registry.client import connected, find
from ..loader import LoadedModel, Models
from ..schema import Columns, RequestError
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference

TOLERANCE = 1e-3  # of a probability, or of a number relative to the mean: the fast path computes with 32 bits


class ExplanationSettings(Settings, env_prefix="EXPLANATIONS_"):
    """The schema of `config/explanations.yaml`."""

    max_rows: PositiveInt
    seconds: PositiveFloat


class Explanations(Plugin):
    """Explains rows, one request at a time."""

    def __init__(self, settings: ExplanationSettings) -> None:
        self._settings, self._pool = settings, ThreadPoolExecutor(1, "explanations")
        self._running: Future[Any] | None = None

    def routes(self, inference: "Inference") -> Sequence[Route]:
        """Return the route."""
        self._prepared = lru_cache(maxsize=4)(partial(prepared, inference.models))

        async def explain(request: Request) -> Response:
            """Explain rows: a body of /predict, and as `?version=` the number or alias of a loaded version."""
            from ..handler import read_body

            name = request.path_params.get("model", inference.models.names[0])
            model = inference.models.get(name, request.query_params.get("version"))
            body = await read_body(request, dict(request.scope["headers"]), inference.settings.max_megabytes)
            columns = model.inputs.of_rows(body, self._settings.max_rows)
            if self._running and not self._running.done():
                raise RequestError(503, "another request is being explained, try again in a few seconds")
            self._running = self._pool.submit(self._explain, model, columns)
            try:
                found = await asyncio.wait_for(asyncio.wrap_future(self._running), self._settings.seconds)
            except TimeoutError as error:
                raise RequestError(503, f"the explanation took longer than {self._settings.seconds:g} s") from error
            except UserError as error:
                raise RequestError(501, str(error)) from error
            return inference.respond(found)

        return [Route(path, explain, methods=["POST"]) for path in ("/explain", "/explain/{model}")]

    def _explain(self, model: LoadedModel, columns: Columns) -> dict[str, Any]:
        native, explainer, report = self._prepared(model.name, model.version)
        frame, classes = model.inputs.inputs.frame(columns), model.predictor.classes
        served = model.predictor.predict(columns)
        own = native.predict(frame) if classes is None else native.predict_proba(frame)
        if not np.abs(own - served).max() <= TOLERANCE * (max(1, np.abs(own).mean()) if classes is None else 1):
            raise UserError("the fast path predicts these rows differently from the model that can be explained")
        answer = {"model": model.name, "version": model.version, "method": report["method"]}
        if explainer is None:
            return {**answer, "note": f"of all test rows, not of these: {report['why']}", "columns": report["columns"]}
        each, base = explainer.explain(frame)
        outputs = [None] if classes is None else classes[1:] if each.shape[1] == 1 else classes
        rows = [
            [
                {"output": name, "base": start, "contributions": dict(zip(frame, values, strict=True))}
                for name, start, values in zip(outputs, *of_row, strict=True)
            ]
            for of_row in zip(base, each, strict=True)
        ]
        return {**answer, "explanations": rows}


def prepared(models: Models, name: str, version: str) -> tuple[Any, Explainer | None, dict[str, Any]]:
    """Return the estimator of a loaded version with its explainer, or None and the importance of its columns that its run has.

    Raises:
        UserError: it can be explained by neither.
    """
    model = models.get(name, version)
    native = models.native(model)
    with connected():
        run = find(mlflow.MlflowClient(), name, version).run_id
        try:
            report = mlflow.artifacts.load_dict(f"runs:/{run}/reports/{REPORT.name}")
        except (mlflow.MlflowException, OSError):
            report = {}  # it was registered before level 3
    if report.get("method") == PERMUTATION:
        return native, None, report
    explainer = Explainer(native, [*model.inputs.columns], report.get("means"))
    return native, explainer, {"method": explainer.method}


def plugin() -> Plugin:
    """Return the plug-in."""
    return Explanations(ExplanationSettings.load())
