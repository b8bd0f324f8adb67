# Managed by copier-mlops: an update merges with your edits.
"""Routes that endpoints of clouds call: SageMaker's and MLflow's `/ping` and `/invocations`, and those of Vertex AI."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..handler import ApiFormat
from ..rows import ROWS
from ..schema import RequestError
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference


def decode(body: bytes, _: Any) -> bytes:
    """Return the rows of a request as `/predict` takes them, or raise a `RequestError` if there are none."""
    try:
        match from_json(body):
            case {"instances": rows} | {"dataframe_records": rows}:
                pass
            case {"dataframe_split": {"columns": list(columns), "data": list(data)}}:
                rows = [dict(zip(columns, values, strict=True)) for values in data]
            case _:
                raise ValueError("send instances, dataframe_records or dataframe_split")
        return to_json({"rows": rows}, inf_nan_mode="constants")
    except (TypeError, ValueError) as error:
        raise RequestError(422, f"body: {error}") from error


def encode(*served: Any) -> dict[str, Any]:
    """Return the predictions alone, since not all platforms allow more."""
    return {"predictions": ROWS.encode(*served)["predictions"]}


CLOUD = ApiFormat(decode, ROWS.columns, encode)


class CloudRoutes(Plugin):
    """Adds the routes."""

    def routes(self, inference: "Inference") -> Sequence[BaseRoute]:
        """Return the routes; Vertex AI names its own in two variables."""

        async def ping(_: Request) -> Response:
            """Readiness, as `/v2/health/ready` has it."""
            return inference.respond({}, 200 if inference.models.ready else 503)

        async def invoke(request: Request) -> Response:
            """Predict `instances`, `dataframe_records` or `dataframe_split`, by the first model."""
            return await inference.infer(request, inference.models.names[0], CLOUD)

        health, predict = (os.environ.get(f"AIP_{name}_ROUTE") for name in ("HEALTH", "PREDICT"))
        return [
            *(Route(path, ping) for path in sorted({"/ping", health or "/ping"})),
            *(Route(path, invoke, methods=["POST"]) for path in sorted({"/invocations", predict or "/invocations"})),
        ]


def plugin() -> Plugin:
    """Return the plug-in."""
    return CloudRoutes()
