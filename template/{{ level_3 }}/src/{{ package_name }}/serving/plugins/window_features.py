# Managed by copier-mlops: an update merges with your edits.
"""`POST /events/predict`: rows bring the events of their entity, and the server computes the chosen features from them."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...core.windows import Chosen, compute
from ..loader import LoadedModel
from ..rows import ROWS
from ..schema import Columns, RequestError
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference

MODELING = Path(__file__).parents[2] / "modeling"
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class WindowFeatures(Plugin):
    """Adds the route, if features of events were chosen."""

    def __init__(self, chosen: Chosen | None) -> None:
        self._chosen = chosen

    def routes(self, inference: "Inference") -> Sequence[BaseRoute]:
        """Return the route."""
        if (chosen := self._chosen) is None or not chosen.windows:
            return ()

        def columns(body: bytes, model: LoadedModel, max_rows: int) -> Columns:
            return model.inputs.of_rows(with_features(body, chosen, model.inputs.columns), max_rows)

        async def predict(request: Request) -> Response:
            """Predict rows with a list `events`, from which the server computes features, by the first model."""
            return await inference.infer(request, inference.models.names[0], replace(ROWS, columns=columns))

        return [Route("/events/predict", predict, methods=["POST"])]


def with_features(body: bytes, chosen: Chosen, columns: Collection[str]) -> bytes:
    """Return the body of a request with features in place of events, as far as they are columns of the model.

    Raises:
        RequestError: events are not as training had them.
    """
    try:
        rows = orjson.loads(body)["rows"]
        for row in rows:
            found = features(row.pop("events"), row.pop(chosen.label_time, None), chosen)
            row |= {name: value for name, value in found.items() if name in columns}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        keys = ", ".join([chosen.time, *chosen.values])
        expected = f'{{"rows": [{{..., "events": [...]}}]}}, and {keys} in each event'
        raise RequestError(422, f"expected {expected}: {type(error).__name__} {error}") from error
    return orjson.dumps({"rows": rows})


def features(events: list[dict[str, Any]], at: str | None, chosen: Chosen) -> dict[str, float | None]:
    """Return the features of one entity at a time, by default now; None where training has a missing value."""
    times = np.array([microseconds(event[chosen.time]) for event in events], "i8")
    values = {name: np.array([event[name] for event in events], "f8") for name in chosen.values}
    until = np.array([microseconds(at) if at else (datetime.now(UTC) - EPOCH) // MICROSECOND])
    found = compute(chosen.windows, (np.zeros(len(times)), times, values), (np.zeros(1), until))
    return {name: None if math.isnan(value) else float(value) for name, (value,) in found.items()}


def microseconds(text: str) -> int:
    """Return a time as a number since 1970; without a zone it is in UTC."""
    time = datetime.fromisoformat(text)
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def plugin() -> Plugin:
    """Return the plug-in."""
    return WindowFeatures(Chosen.read(MODELING))
