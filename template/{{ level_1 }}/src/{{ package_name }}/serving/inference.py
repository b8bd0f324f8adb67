# Managed by copier-mlops: an update merges with your edits.
"""From a request to an answer, whatever the format: reads, predicts, writes, and counts each answer."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from .batching import Batches
from .inputs import Columns, RequestError
from .instruments import Instruments
from .models import Models, Served
from .settings import Serving

log = logging.getLogger(__name__)


class Direct(APIRoute):
    """Calls its function with the request and what the path names; FastAPI's ways to it cost more than a prediction."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self.endpoint(request, **request.path_params)
        await response(scope, receive, send)


@dataclass(frozen=True)
class Format:
    """How a request says what to predict, and how the answer does."""

    read: Callable[[bytes, Served, int], tuple[Columns, dict[str, Any]]]  # of so many rows; and what else is asked for
    write: Callable[[dict[str, Any], Served, np.ndarray], dict[str, Any]]


@dataclass(frozen=True)
class Inference:
    """What all routes share."""

    settings: Serving
    models: Models
    instruments: Instruments
    batches: Batches = field(default_factory=Batches)

    def answer(self, content: Any, code: int = 200) -> Response:
        """Return content as JSON; while the server stops, the answer ends its connection too."""
        headers = {"connection": "close"} if self.models.draining else None
        body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, code, headers, "application/json")

    def refuse(self, error: RequestError) -> Response:
        """Return what is wrong with a request."""
        return self.answer({"error": str(error)}, error.status)

    async def infer(self, request: Request, name: str, version: str | None, form: Format) -> Response:
        """Return the predictions for a request, or in a line why there are none."""
        started, served, code = time.perf_counter(), None, 200
        try:
            served = self.models.get(name, version)
            body = await read_body(request, self.settings.max_megabytes)
            columns, asked = form.read(body, served, self.settings.max_rows)
            prediction = await self.batches.predict(served.predictor, columns)
            result = form.write(asked, served, prediction)
            self.instruments.predicted(name, served.version, watched(prediction))
        except RequestError as error:
            code, result = error.status, {"error": str(error)}
        except ClientDisconnect:
            code, result = 499, {}  # nobody is there to read it
        except Exception:
            log.exception("%s failed", name)
            code, result = 500, {"error": f"{name} failed on this input; the log of the server has the reason"}
        known = name if name in self.models.names else ""  # what anybody may send must not become a label
        self.instruments.answered(known, served.version if served else "", code, time.perf_counter() - started)
        return self.answer(result, code)


async def read_body(request: Request, max_megabytes: float) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it is longer than allowed; the rest is not read.
        ClientDisconnect: whoever sends it has left.
    """
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_megabytes * 1_000_000:
            raise RequestError(413, f"the body is longer than the {max_megabytes:g} MB that serving.yaml allows")
    return bytes(body)


def watched(prediction: np.ndarray) -> list[float]:
    """Return the number of each row that monitoring looks at."""
    if prediction.ndim == 1:
        return prediction.tolist()
    return (prediction[:, 1] if prediction.shape[1] == 2 else prediction.max(axis=1)).tolist()
